// Part of kernels.inl: noise and dropout.

#include "lacuna/math/noise.h"

namespace lacuna::cpu::LACUNA_CPU_TARGET {
namespace {

/// Calls f(four words, element) for each block of four of this thread's part.
template <class F>
void for_noise_blocks(const NoiseArgs& p, const F& f) {
  const std::int64_t step = p.state->step;
  on_threads(p.threads, [&] {
    const Part mine = share(p.elements, 4);
    for (std::int64_t i = mine.begin; i < mine.end; i += 4) {
      const math::Philox4 random = math::noise_block(p.seed, p.stream, step, i / 4);
      const std::int64_t count = mine.end - i < 4 ? mine.end - i : 4;
      f(random, i, count);
    }
  });
}

/// One channel of an image, moved by whole rows.
void shift_channel(const float* from, std::int64_t height, std::int64_t width, const math::ImageOffset& by, float* to) {
  for (std::int64_t y = 0; y < height; ++y, to += width) {
    const std::int64_t source = y - by.down;
    const bool inside = source >= 0 && source < height;
    for (std::int64_t x = 0; x < width; ++x) {
      const std::int64_t column = x - by.right;
      to[x] = inside && column >= 0 && column < width ? from[source * width + column] : 0.0f;
    }
  }
}

void shift(const NoiseArgs& p) {
  const std::int64_t step = p.state->step, sample = p.image.elements(), channel = p.image.height * p.image.width;
  on_threads(p.threads, [&] {
    const Part mine = share(p.elements / sample, 1);
    for (std::int64_t i = mine.begin; i < mine.end; ++i) {
      const math::ImageOffset by = math::image_offset(p.seed, p.stream, step, i, static_cast<std::int32_t>(p.amount));
      for (std::int64_t at = i * sample; at < (i + 1) * sample; at += channel)
        shift_channel(p.input + at, p.image.height, p.image.width, by, p.output + at);
    }
  });
}

void noise(const NoiseArgs& p) {
  if (p.kind == NoiseKind::shift) return shift(p);
  if (p.kind == NoiseKind::gaussian)
    return for_noise_blocks(p, [&p](const math::Philox4& random, std::int64_t i, std::int64_t count) {
      const math::NormalPair a = math::normal_pair(random.word[0], random.word[1]);
      const math::NormalPair b = math::normal_pair(random.word[2], random.word[3]);
      const float normal[4] = {a.first, a.second, b.first, b.second};
      for (std::int64_t w = 0; w < count; ++w) p.output[i + w] = p.input[i + w] + p.amount * normal[w];
    });
  const float scale = p.kind == NoiseKind::dropout ? 1.0f / (1.0f - p.amount) : 1.0f;
  for_noise_blocks(p, [&p, scale](const math::Philox4& random, std::int64_t i, std::int64_t count) {
    for (std::int64_t w = 0; w < count; ++w)
      p.output[i + w] = math::dropped(random.word[w], p.amount) ? 0.0f : p.input[i + w] * scale;
  });
}

}  // namespace
}  // namespace lacuna::cpu::LACUNA_CPU_TARGET
