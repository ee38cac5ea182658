#pragma once

#include <cstdint>

#include "lacuna/math/hd.h"

// Branch-free float functions that compilers vectorise. NaN in, NaN out.

namespace lacuna::math {

/// e^x to about 1 ulp for x in [-87.3, 88.3]; x is clamped to that range. Reduction x = n ln 2 + r with ln 2 split
/// in two (Cody and Waite), then the Taylor series of e^r to r^7/7! on |r| <= ln(2)/2, where the remainder is
/// below 6e-9.
LACUNA_HD float exp_clamped(float x) {
#if defined(__CUDA_ARCH__)
  return expf(x < -87.3f ? -87.3f : (x > 88.3f ? 88.3f : x));
#else
  x = x < -87.3f ? -87.3f : x;
  x = x > 88.3f ? 88.3f : x;
  constexpr float kRound = 12582912.0f;  // 1.5 * 2^23: adding it rounds to an integer in the low mantissa bits
  const float shifted = x * 1.44269504f + kRound;
  const float n = shifted - kRound;
  const float r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
  float p = 1.0f / 5040;
  p = p * r + 1.0f / 720;
  p = p * r + 1.0f / 120;
  p = p * r + 1.0f / 24;
  p = p * r + 1.0f / 6;
  p = p * r + 0.5f;
  p = p * r + 1.0f;
  p = p * r + 1.0f;
  const std::uint32_t exponent = (__builtin_bit_cast(std::uint32_t, shifted) + 127u) << 23;
  return p * __builtin_bit_cast(float, exponent);
#endif
}

/// log(1 + t) for t in [0, 1], to about 1 ulp, by 2 atanh(t / (2 + t)).
LACUNA_HD float log1p_unit(float t) {
  const float s = t / (2.0f + t);
  const float q = s * s;
  float p = 1.0f / 15;
  p = p * q + 1.0f / 13;
  p = p * q + 1.0f / 11;
  p = p * q + 1.0f / 9;
  p = p * q + 1.0f / 7;
  p = p * q + 1.0f / 5;
  p = p * q + 1.0f / 3;
  p = p * q;
  return 2.0f * (s + s * p);
}

}  // namespace lacuna::math
