// Part of kernels.inl's translation units: the vectors of the instruction set.

#if defined(__AVX2__)
#include <immintrin.h>
#endif

namespace lacuna::cpu::LACUNA_CPU_TARGET {
namespace {

#if defined(__AVX512F__)
constexpr int kLanes = 16;
#elif defined(__AVX2__)
constexpr int kLanes = 8;
#else
constexpr int kLanes = 4;
#endif
using Vector = float __attribute__((vector_size(kLanes * sizeof(float))));

Vector load(const float* from) {
  Vector v;
  __builtin_memcpy(&v, from, sizeof v);
  return v;
}

void store(float* to, const Vector& v) {
  __builtin_memcpy(to, &v, sizeof v);
}

/// The first n values of a vector, 0 < n <= kLanes; the others are 0.
Vector load_first(const float* from, std::int64_t n) {
#if defined(__AVX512F__)
  return _mm512_maskz_loadu_ps(static_cast<__mmask16>(0xffffu >> (kLanes - n)), from);
#else
  Vector v = {};
  for (int i = 0; i < kLanes; ++i) v[i] = i < n ? from[i] : 0.0f;
  return v;
#endif
}

void store_first(float* to, const Vector& v, std::int64_t n) {
#if defined(__AVX512F__)
  _mm512_mask_storeu_ps(to, static_cast<__mmask16>(0xffffu >> (kLanes - n)), v);
#else
  for (int i = 0; i < kLanes; ++i)
    if (i < n) to[i] = v[i];
#endif
}

}  // namespace
}  // namespace lacuna::cpu::LACUNA_CPU_TARGET
