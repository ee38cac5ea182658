#pragma once

#include <bit>
#include <cstdint>

// How tensor cores' operands lose digits. NaN and infinity stay what they are.

namespace simt::detail {

/// 10 bits of mantissa, to nearest, ties away from zero, as cvt.rna.tf32.f32.
inline float round_to_tf32(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  if ((bits & 0x7F800000U) == 0x7F800000U) return value;
  return std::bit_cast<float>((bits + 0x1000U) & ~0x1FFFU);
}

/// 7 bits of mantissa, to nearest, ties to even, as cvt.rn.bf16.f32.
inline std::uint16_t to_bf16(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  if (value != value) return static_cast<std::uint16_t>((bits >> 16) | 0x40U);
  return static_cast<std::uint16_t>((bits + 0x7FFFU + ((bits >> 16) & 1U)) >> 16);
}

inline float from_bf16(std::uint16_t value) {
  return std::bit_cast<float>(std::uint32_t{value} << 16);
}

}  // namespace simt::detail
