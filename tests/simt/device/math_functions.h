#pragma once

#include <math.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>

// Functions that nvcc offers beyond the standard library's. The fast ones are exact here: how far the hardware's are
// off cannot be shown.

// glibc declares functions with these names, so they have to be macros.
#define __expf(x) ::std::exp(static_cast<float>(x))
#define __exp10f(x) ::exp10f(static_cast<float>(x))
#define __logf(x) ::std::log(static_cast<float>(x))
#define __log2f(x) ::std::log2(static_cast<float>(x))
#define __log10f(x) ::std::log10(static_cast<float>(x))
#define __sinf(x) ::std::sin(static_cast<float>(x))
#define __cosf(x) ::std::cos(static_cast<float>(x))
#define __tanf(x) ::std::tan(static_cast<float>(x))
#define __powf(x, y) ::std::pow(static_cast<float>(x), static_cast<float>(y))

inline float __saturatef(float x) {
  return x > 0 ? std::min(x, 1.0f) : 0.0f;
}  // NaN becomes 0, as on the device
inline float __fdividef(float x, float y) {
  return x / y;
}
inline float rsqrtf(float x) {
  return 1 / std::sqrt(x);
}
inline double rsqrt(double x) {
  return 1 / std::sqrt(x);
}
inline float __frsqrt_rn(float x) {
  return rsqrtf(x);
}

inline float __fadd_rn(float x, float y) {
  return x + y;
}
inline float __fsub_rn(float x, float y) {
  return x - y;
}
inline float __fmul_rn(float x, float y) {
  return x * y;
}
inline float __fdiv_rn(float x, float y) {
  return x / y;
}
inline float __frcp_rn(float x) {
  return 1 / x;
}
inline float __fsqrt_rn(float x) {
  return std::sqrt(x);
}
inline float __fmaf_rn(float x, float y, float z) {
  return std::fma(x, y, z);
}
inline double __dadd_rn(double x, double y) {
  return x + y;
}
inline double __dmul_rn(double x, double y) {
  return x * y;
}
inline double __ddiv_rn(double x, double y) {
  return x / y;
}
inline double __dsqrt_rn(double x) {
  return std::sqrt(x);
}
inline double __fma_rn(double x, double y, double z) {
  return std::fma(x, y, z);
}

namespace simt {

// Out of range becomes the nearest number that can be represented, and NaN 0, as on the device.
template <class Integer, class Real>
Integer to_integer(Real x) {
  constexpr auto lowest = std::numeric_limits<Integer>::min(), highest = std::numeric_limits<Integer>::max();
  if (std::isnan(x)) return 0;
  if (x <= static_cast<Real>(lowest)) return lowest;
  if (x >= static_cast<Real>(highest)) return highest;
  return static_cast<Integer>(x);
}

}  // namespace simt

inline int __float2int_rn(float x) {
  return simt::to_integer<int>(std::nearbyint(x));
}
inline int __float2int_rz(float x) {
  return simt::to_integer<int>(x);
}
inline int __float2int_rd(float x) {
  return simt::to_integer<int>(std::floor(x));
}
inline int __float2int_ru(float x) {
  return simt::to_integer<int>(std::ceil(x));
}
inline unsigned __float2uint_rn(float x) {
  return simt::to_integer<unsigned>(std::nearbyint(x));
}
inline unsigned __float2uint_rz(float x) {
  return simt::to_integer<unsigned>(x);
}
inline float __int2float_rn(int x) {
  return static_cast<float>(x);
}
inline float __uint2float_rn(unsigned x) {
  return static_cast<float>(x);
}
inline float __double2float_rn(double x) {
  return static_cast<float>(x);
}

// min and max of two numbers, without std::, of the type that + would give.
template <class T, class U>
requires std::is_arithmetic_v<T> && std::is_arithmetic_v<U>
constexpr std::common_type_t<T, U> min(T a, U b) {
  using C = std::common_type_t<T, U>;
  if constexpr (std::is_floating_point_v<C>) {
    return std::fmin(static_cast<C>(a), static_cast<C>(b));
  } else {
    return std::min(static_cast<C>(a), static_cast<C>(b));
  }
}
template <class T, class U>
requires std::is_arithmetic_v<T> && std::is_arithmetic_v<U>
constexpr std::common_type_t<T, U> max(T a, U b) {
  using C = std::common_type_t<T, U>;
  if constexpr (std::is_floating_point_v<C>) {
    return std::fmax(static_cast<C>(a), static_cast<C>(b));
  } else {
    return std::max(static_cast<C>(a), static_cast<C>(b));
  }
}
