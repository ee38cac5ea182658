#pragma once

#include "lacuna/math/philox.h"

namespace lacuna::math {

struct Uniform4 {
  float at[4];
};

/// Elements 4 block to 4 block + 3 of the weights of stream `stream`, uniform on [-limit, limit). 2u - 1 is exact, so
/// each is rounded once, and has the same bits everywhere.
LACUNA_HD Uniform4 uniform_weights(float limit, std::uint64_t seed, std::uint32_t stream, std::uint64_t block) {
  const Philox4 random = random_block(seed, Purpose::weights, stream, block);
  Uniform4 result{};
  for (int w = 0; w < 4; ++w) result.at[w] = limit * (2.0f * uniform24(random.word[w]) - 1.0f);
  return result;
}

}  // namespace lacuna::math
