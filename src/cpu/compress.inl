// Part of kernels.inl's translation units: a minibatch's nonzero values.

#include "cpu/sparse_product.h"

namespace lacuna::cpu::LACUNA_CPU_TARGET {
namespace {

/// Eight sums in registers hide the latency of multiply-add; a tile of the dense operand is 24 KiB of L1.
constexpr int kVectors = 8;
constexpr std::int64_t kTileDepth = 24 * 1024 / (kVectors * kLanes * static_cast<std::int64_t>(sizeof(float)));
static_assert(kTileDepth <= 255, "positions within a tile are bytes");

/// One sample's nonzero values within a tile. Groups of eight zeros, most of a digit's image, are passed over whole.
std::int32_t compress_tile(const float* x, std::int64_t length, std::uint8_t* index, float* values) {
  std::int32_t n = 0;
  std::int64_t j = 0;
#if defined(__AVX512F__)
  alignas(64) static constexpr std::int32_t kPositions[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  const __m512i positions = _mm512_load_si512(kPositions);
  for (; j + 16 <= length; j += 16) {
    const __m512 group = _mm512_loadu_ps(x + j);
    const __mmask16 nonzero = _mm512_cmp_ps_mask(group, _mm512_setzero_ps(), _CMP_NEQ_UQ);
    if (nonzero == 0) continue;
    // Whole vectors are written: what lies beyond the nonzero values is written over, or is the next row's room.
    const __m512i at =
        _mm512_add_epi32(_mm512_maskz_compress_epi32(nonzero, positions), _mm512_set1_epi32(static_cast<int>(j)));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(index + n), _mm512_maskz_cvtepi32_epi8(0xffff, at));
    _mm512_storeu_ps(values + n, _mm512_maskz_compress_ps(nonzero, group));
    n += __builtin_popcount(nonzero);
  }
#elif defined(__AVX2__)
  using Bits = std::int32_t __attribute__((vector_size(32)));
  using Eight = float __attribute__((vector_size(32)));
  for (; j + 8 <= length; j += 8) {
    Eight group;
    __builtin_memcpy(&group, x + j, sizeof group);
    const Bits nonzero = group != 0.0f;
    auto mask = static_cast<std::uint32_t>(__builtin_ia32_movmskps256(__builtin_bit_cast(Eight, nonzero)));
    for (; mask; mask &= mask - 1) {
      const std::int64_t i = j + __builtin_ctz(mask);
      index[n] = static_cast<std::uint8_t>(i);
      values[n++] = x[i];
    }
  }
#endif
  for (; j < length; ++j) {
    index[n] = static_cast<std::uint8_t>(j);
    values[n] = x[j];
    n += x[j] != 0.0f;
  }
  return n;
}

/// One sample. Each tile's entries follow those of the sample before it; a thread's `first` sample begins where there
/// is room for all values of the threads before.
void compress_row(const TiledSparse& s, const float* x, std::int64_t row, bool first) {
  for (std::int64_t t = 0; t < s.tiles; ++t) {
    const std::int64_t at = t * s.rows + row, begin = t * s.tile_depth;
    const std::int64_t length = begin + s.tile_depth < s.depth ? s.tile_depth : s.depth - begin;
    const std::int64_t to = first ? at * s.tile_depth : std::int64_t{s.begin[at - 1]} + s.count[at - 1];
    s.begin[at] = static_cast<std::int32_t>(to);
    s.count[at] = static_cast<std::uint8_t>(compress_tile(x + begin, length, s.index + to, s.values + to));
  }
}

}  // namespace
}  // namespace lacuna::cpu::LACUNA_CPU_TARGET
