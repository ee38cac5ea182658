// 16 x 16 values of 32 bits turned in the registers of AVX-512.

#include <immintrin.h>

#include <cstdint>

namespace lacuna::cpu::LACUNA_CPU_TARGET {
namespace {

/// One of the four steps of turning 16 x 16: rows `kApart` apart exchange their lanes `kApart` apart.
template <int kApart>
inline __attribute__((always_inline)) void exchange_lanes(__m512 (&rows)[16]) {
  alignas(64) static constexpr auto kOf = [] {
    struct {
      std::int32_t low[16], high[16];
    } lanes{};
    for (int i = 0; i < 16; ++i) {
      lanes.low[i] = (i & kApart) == 0 ? i : 16 + i - kApart;
      lanes.high[i] = (i & kApart) == 0 ? i + kApart : 16 + i;
    }
    return lanes;
  }();
  const __m512i low = _mm512_load_si512(kOf.low), high = _mm512_load_si512(kOf.high);
#pragma GCC unroll 16
  for (int i = 0; i < 16; ++i)
    if ((i & kApart) == 0) {
      const __m512 a = rows[i], b = rows[i + kApart];
      rows[i] = _mm512_permutex2var_ps(a, low, b);
      rows[i + kApart] = _mm512_permutex2var_ps(a, high, b);
    }
}

/// rows[i][j] becomes rows[j][i].
inline __attribute__((always_inline)) void turn_16(__m512 (&rows)[16]) {
  exchange_lanes<8>(rows);
  exchange_lanes<4>(rows);
  exchange_lanes<2>(rows);
  exchange_lanes<1>(rows);
}

}  // namespace
}  // namespace lacuna::cpu::LACUNA_CPU_TARGET
