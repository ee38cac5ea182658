#pragma once

#include <cmath>

#include "lacuna/math/philox.h"

namespace lacuna::math {

/// The random words of elements 4 block to 4 block + 3 in step `step`, which must be below 2^32, as must `block`.
LACUNA_HD Philox4 noise_block(std::uint64_t seed, std::uint32_t stream, std::int64_t step, std::int64_t block) {
  return random_block(seed, Purpose::noise, stream,
                      (static_cast<std::uint64_t>(step) << 32) | static_cast<std::uint64_t>(block));
}

/// Whether the element of this word is dropped, with probability `amount`.
LACUNA_HD bool dropped(std::uint32_t word, float amount) {
  return uniform24(word) < amount;
}

/// How far the image in row `row` of a batch is moved, by at most `most` pixels, which must be below 2^15.
struct ImageOffset {
  std::int32_t down, right;
};
LACUNA_HD ImageOffset image_offset(std::uint64_t seed, std::uint32_t stream, std::int64_t step, std::int64_t row,
                                   std::int32_t most) {
  const Philox4 random = noise_block(seed, stream, step, row);
  const auto positions = static_cast<std::uint64_t>(2 * most + 1);
  return {static_cast<std::int32_t>(random.word[0] * positions >> 32) - most,
          static_cast<std::int32_t>(random.word[1] * positions >> 32) - most};
}

/// Two independent numbers from N(0, 1): Box, Muller, "A note on the generation of random normal deviates", 1958.
struct NormalPair {
  float first, second;
};
LACUNA_HD NormalPair normal_pair(std::uint32_t word0, std::uint32_t word1) {
  const float u = uniform24(word0) + 0x1p-24f;  // (0, 1]: the logarithm of 0 must not be asked for
  const float radius = sqrtf(-2.0f * logf(u)), angle = 6.28318530717958648f * uniform24(word1);
  return {radius * cosf(angle), radius * sinf(angle)};
}

}  // namespace lacuna::math
