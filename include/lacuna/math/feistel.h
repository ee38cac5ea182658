#pragma once

#include <cstdint>

#include "lacuna/math/philox.h"

namespace lacuna::math {

/// A keyed permutation of [0, size): a six-round Feistel network over the next even number of bits, cycle-walked
/// back into the range (at most four walks on average). Position i of an epoch costs O(1) anywhere, so shuffling
/// needs no storage and resumes anywhere. Orders of one seed and epoch with another `stream` have other keys. Cycle
/// walking: Black and Rogaway, "Ciphers with arbitrary finite domains", CT-RSA 2002.
struct FeistelOrder {
  static constexpr int kRounds = 6;
  std::uint64_t size = 1;
  std::uint32_t half_bits = 1;
  std::uint32_t key[8] = {};

  FeistelOrder() = default;
  LACUNA_HD FeistelOrder(std::uint64_t seed, std::uint64_t epoch, std::uint64_t rows, std::uint32_t stream = 0)
      : size(rows) {
    while (half_bits < 32 && (std::uint64_t{1} << (2 * half_bits)) < rows) ++half_bits;
    const Philox4 low = random_block(seed, Purpose::order, 2 * stream, epoch);
    const Philox4 high = random_block(seed, Purpose::order, 2 * stream + 1, epoch);
    for (int i = 0; i < 4; ++i) {
      key[i] = low.word[i];
      key[i + 4] = high.word[i];
    }
  }

  LACUNA_HD std::uint64_t operator()(std::uint64_t position) const {
    const std::uint32_t mask = half_bits == 32 ? 0xFFFFFFFFu : (1u << half_bits) - 1u;
    std::uint64_t value = position;
    do {
      std::uint32_t left = static_cast<std::uint32_t>(value >> half_bits) & mask;
      std::uint32_t right = static_cast<std::uint32_t>(value) & mask;
      for (int round = 0; round < kRounds; ++round) {
        const std::uint32_t next = left ^ (mix(right ^ key[round]) & mask);
        left = right;
        right = next;
      }
      value = (static_cast<std::uint64_t>(left) << half_bits) | right;
    } while (value >= size);
    return value;
  }

  /// The position at which `row` stands: operator()(inverse(row)) == row.
  LACUNA_HD std::uint64_t inverse(std::uint64_t row) const {
    const std::uint32_t mask = half_bits == 32 ? 0xFFFFFFFFu : (1u << half_bits) - 1u;
    std::uint64_t value = row;
    do {
      std::uint32_t left = static_cast<std::uint32_t>(value >> half_bits) & mask;
      std::uint32_t right = static_cast<std::uint32_t>(value) & mask;
      for (int round = kRounds; round-- > 0;) {
        const std::uint32_t before = right ^ (mix(left ^ key[round]) & mask);
        right = left;
        left = before;
      }
      value = (static_cast<std::uint64_t>(left) << half_bits) | right;
    } while (value >= size);
    return value;
  }

 private:
  /// 32-bit finalizer of MurmurHash3 (Appleby): every input bit reaches every output bit.
  static LACUNA_HD std::uint32_t mix(std::uint32_t x) {
    x ^= x >> 16;
    x *= 0x85EBCA6Bu;
    x ^= x >> 13;
    x *= 0xC2B2AE35u;
    x ^= x >> 16;
    return x;
  }
};

}  // namespace lacuna::math
