// y = noise(x), drawn anew in each step: mask, x or 0; dropout, x / (1 - p) or 0; gaussian, x + s N(0, 1); shift, the
// image moved by whole pixels.
//
// x, y n elements, which may be the same, except for shift. Element 4 b + w takes word w of block b of the step's
// Philox numbers (math/noise.h), so that the bits do not depend on how threads share the work; normal numbers by Box
// and Muller. Threads: 256, one block of the generator each; any size. Reads and writes n floats each. Deterministic.

#include "device/vector.cuh"
#include "kernels/pass_launch.h"
#include "lacuna/math/noise.h"

namespace lacuna::cuda {

namespace {

constexpr int kThreads = 256;

/// Four neighbouring elements: one by one where fewer are left or they are not aligned.
template <int kWidth>
struct Quad {
  static __device__ Floats<4> load(const float* from, std::int64_t count) {
    if constexpr (kWidth == 4) {
      if (count >= 4) return cuda::load<4>(from);
    }
    Floats<4> values{};
#pragma unroll
    for (int w = 0; w < 4; ++w)
      if (w < count) values.at[w] = from[w];
    return values;
  }
  static __device__ void store(float* to, std::int64_t count, const Floats<4>& values) {
    if constexpr (kWidth == 4) {
      if (count >= 4) return cuda::store<4>(to, values);
    }
#pragma unroll
    for (int w = 0; w < 4; ++w)
      if (w < count) to[w] = values.at[w];
  }
};

/// Masking noise, and with a scale dropout.
struct Drop {
  float amount, scale;
  __device__ void operator()(const math::Philox4& random, Floats<4>& x) const {
#pragma unroll
    for (int w = 0; w < 4; ++w) x.at[w] = math::dropped(random.word[w], amount) ? 0.0f : x.at[w] * scale;
  }
};

struct AddNormal {
  float amount;
  __device__ void operator()(const math::Philox4& random, Floats<4>& x) const {
#pragma unroll
    for (int w = 0; w < 4; w += 2) {
      const math::NormalPair normal = math::normal_pair(random.word[w], random.word[w + 1]);
      x.at[w] += amount * normal.first;
      x.at[w + 1] += amount * normal.second;
    }
  }
};

template <int kWidth, class Change>
__global__ void __launch_bounds__(kThreads)
    noise_kernel(const float* input, float* output, std::int64_t elements, const StepState* state, std::uint64_t seed,
                 std::uint32_t stream, Change change) {
  wait_for_previous();
  const std::int64_t block = std::int64_t{blockIdx.x} * kThreads + threadIdx.x, begin = 4 * block;
  if (begin >= elements) return;
  Floats<4> x = Quad<kWidth>::load(input + begin, elements - begin);
  change(math::noise_block(seed, stream, state->step, block), x);
  Quad<kWidth>::store(output + begin, elements - begin, x);
}

/// A thread for each element, which looks up where its image is moved to and so where it comes from.
__global__ void __launch_bounds__(kThreads)
    shift_kernel(const float* input, float* output, std::int64_t elements, const StepState* state, std::uint64_t seed,
                 std::uint32_t stream, std::int32_t most, ImageExtents image) {
  wait_for_previous();
  const std::int64_t at = std::int64_t{blockIdx.x} * kThreads + threadIdx.x;
  if (at >= elements) return;
  const std::int64_t sample = at / (image.channels * image.height * image.width), x = at % image.width;
  const std::int64_t y = at / image.width % image.height;
  const math::ImageOffset by = math::image_offset(seed, stream, state->step, sample, most);
  const std::int64_t row = y - by.down, column = x - by.right;
  const bool inside = row >= 0 && row < image.height && column >= 0 && column < image.width;
  output[at] = inside ? input[at - by.down * image.width - by.right] : 0.0f;
}

}  // namespace

void noise(const Workspace& workspace, const NoiseArgs& p) {
  if (p.kind == NoiseKind::shift)
    return launch(
        &shift_kernel, step_shape(static_cast<unsigned>((p.elements + kThreads - 1) / kThreads), kThreads, workspace),
        p.input, p.output, p.elements, p.state, p.seed, p.stream, static_cast<std::int32_t>(p.amount), p.image);
  const std::int64_t blocks = (p.elements + 4 * kThreads - 1) / (4 * kThreads);
  const LaunchShape shape = step_shape(static_cast<unsigned>(blocks), kThreads, workspace);
  // Only the last four can be fewer, wherever rows end.
  with_width(common_width(4, p.input, p.output), [&](auto width) {
    constexpr int kWidth = decltype(width)::value;
    if (p.kind == NoiseKind::gaussian)
      return launch(&noise_kernel<kWidth, AddNormal>, shape, p.input, p.output, p.elements, p.state, p.seed, p.stream,
                    AddNormal{p.amount});
    const float scale = p.kind == NoiseKind::dropout ? 1.0f / (1.0f - p.amount) : 1.0f;
    launch(&noise_kernel<kWidth, Drop>, shape, p.input, p.output, p.elements, p.state, p.seed, p.stream,
           Drop{p.amount, scale});
  });
}

}  // namespace lacuna::cuda
