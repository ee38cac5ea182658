#pragma once

#include <cstdint>

#include "lacuna/math/hd.h"

namespace lacuna::math {

struct Philox4 {
  std::uint32_t word[4];
};

/// Philox 4x32-10: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
/// A bijection of the 128-bit counter for each 64-bit key; constants and known answers as published there.
LACUNA_HD Philox4 philox4x32_10(Philox4 counter, std::uint32_t key0, std::uint32_t key1) {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t product0 = std::uint64_t{0xD2511F53u} * counter.word[0];
    const std::uint64_t product1 = std::uint64_t{0xCD9E8D57u} * counter.word[2];
    const Philox4 next{
        {static_cast<std::uint32_t>(product1 >> 32) ^ counter.word[1] ^ key0, static_cast<std::uint32_t>(product1),
         static_cast<std::uint32_t>(product0 >> 32) ^ counter.word[3] ^ key1, static_cast<std::uint32_t>(product0)}};
    counter = next;
    key0 += 0x9E3779B9u;
    key1 += 0xBB67AE85u;
  }
  return counter;
}

/// What a stream of random numbers is for; streams of different purposes never share counters.
enum class Purpose : std::uint32_t { weights = 1, order = 2, synthetic = 3, noise = 4 };

/// Block `index` (four words) of stream `stream` of a purpose.
LACUNA_HD Philox4 random_block(std::uint64_t seed, Purpose purpose, std::uint32_t stream, std::uint64_t index) {
  return philox4x32_10(Philox4{{static_cast<std::uint32_t>(index), static_cast<std::uint32_t>(index >> 32), stream,
                                static_cast<std::uint32_t>(purpose)}},
                       static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32));
}

/// Uniform on [0, 1) from the upper 24 bits: exactly representable.
LACUNA_HD float uniform24(std::uint32_t word) {
  return static_cast<float>(word >> 8) * 0x1p-24f;
}

}  // namespace lacuna::math
