#pragma once

#include <cstdint>

#include "lacuna/math/hd.h"

namespace lacuna::math {

/// The value of an IEEE binary16 number, exactly; the payload of a NaN stays. Masks in place of branches, so that
/// compilers make vector code of it.
LACUNA_HD float from_f16(std::uint16_t value) {
  const std::uint32_t magnitude = value & 0x7FFFu, sign = (value & 0x8000u) << 16;
  const std::uint32_t subnormal = -static_cast<std::uint32_t>(magnitude < 0x0400u);
  const std::uint32_t nonfinite = -static_cast<std::uint32_t>(magnitude > 0x7BFFu);
  // The exponent's bias is 15 there and 127 here; its largest value, that of infinity and NaN, is 31 there and 255
  // here.
  constexpr std::uint32_t kBias = 112u << 23;
  const std::uint32_t others = (magnitude << 13) + kBias + (kBias & nonfinite);
  const float tiny = static_cast<float>(static_cast<std::int32_t>(magnitude)) * 0x1p-24f;
  return __builtin_bit_cast(float,
                            sign | (others & ~subnormal) | (__builtin_bit_cast(std::uint32_t, tiny) & subnormal));
}

}  // namespace lacuna::math
