#pragma once

#include <cstdint>

#include "lacuna/math/hd.h"

namespace lacuna::math {

/// The nearest bfloat16, the even one of two equally near: the upper half of a float. Beyond the largest that is
/// infinity; NaN stays NaN.
LACUNA_HD std::uint16_t to_bf16(float value) {
  const std::uint32_t bits = __builtin_bit_cast(std::uint32_t, value);
  if (value != value) return static_cast<std::uint16_t>(bits >> 16 | 0x40u);
  return static_cast<std::uint16_t>((bits + 0x7FFFu + (bits >> 16 & 1u)) >> 16);
}

LACUNA_HD float from_bf16(std::uint16_t value) {
  return __builtin_bit_cast(float, static_cast<std::uint32_t>(value) << 16);
}

}  // namespace lacuna::math
