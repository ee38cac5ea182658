#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "device/launch.h"

namespace simt {

// Small and the same with every standard library, so that a seed means the same order everywhere (SplitMix64).
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}

  // 0 <= result < bound, and nearly uniform, which is enough for a schedule.
  unsigned below(unsigned bound) { return static_cast<unsigned>((next() >> 32) * bound >> 32); }

 private:
  std::uint64_t next() {
    std::uint64_t z = state_ += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
  }

  std::uint64_t state_;
};

// Overwrites turns with 0 ... size - 1 in the order in which they take their turns.
template <class Number>
void arrange(std::vector<Number>& turns, Schedule::Order order, Random& random) {
  const auto size = static_cast<unsigned>(turns.size());
  for (unsigned i = 0; i < size; ++i) {
    turns[i] = static_cast<Number>(order == Schedule::Order::reverse ? size - 1 - i : i);
  }
  if (order != Schedule::Order::random) return;
  for (unsigned i = size; i > 1; --i) std::swap(turns[i - 1], turns[random.below(i)]);
}

}  // namespace simt
