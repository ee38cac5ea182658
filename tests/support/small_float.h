#pragma once

#include <cmath>
#include <cstdint>
#include <limits>

namespace lacuna::test {

/// Bits of the exponent.
constexpr int kF16 = 5, kBf16 = 8;

/// The value of a binary number of 16 bits with so many exponent bits, by its definition: in double, which holds all of
/// them.
inline double small_float(std::uint16_t pattern, int exponent_bits) {
  const int digits = 15 - exponent_bits, largest = (1 << exponent_bits) - 1, bias = largest / 2;
  const int exponent = pattern >> digits & largest, fraction = pattern & ((1 << digits) - 1);
  const double sign = pattern >> 15 == 1 ? -1 : 1;
  if (exponent == largest)
    return fraction == 0 ? sign * std::numeric_limits<double>::infinity() : std::numeric_limits<double>::quiet_NaN();
  if (exponent == 0) return sign * std::ldexp(fraction, 1 - bias - digits);
  return sign * std::ldexp((1 << digits) + fraction, exponent - bias - digits);
}

}  // namespace lacuna::test
