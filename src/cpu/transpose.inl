// Part of kernels.inl: matrices turned.

#if defined(__AVX512F__)
#include "cpu/turn.inl"
#endif

namespace lacuna::cpu::LACUNA_CPU_TARGET {
namespace {

#if defined(__AVX512F__)
void transpose_16(const float* from, std::int64_t from_stride, float* to, std::int64_t to_stride) {
  __m512 rows[16];
#pragma GCC unroll 16
  for (int i = 0; i < 16; ++i) rows[i] = _mm512_loadu_ps(from + i * from_stride);
  turn_16(rows);
#pragma GCC unroll 16
  for (int i = 0; i < 16; ++i) _mm512_storeu_ps(to + i * to_stride, rows[i]);
}
#endif

/// to[j][i] = from[i][j] for i < rows, j < columns.
void transpose_part(const float* from, std::int64_t from_stride, std::int64_t rows, std::int64_t columns, float* to,
                    std::int64_t to_stride) {
  constexpr std::int64_t kBlock = 16;
  for (std::int64_t i = 0; i < rows; i += kBlock) {
    const std::int64_t height = rows - i < kBlock ? rows - i : kBlock;
    for (std::int64_t j = 0; j < columns; j += kBlock) {
      const std::int64_t width = columns - j < kBlock ? columns - j : kBlock;
      const float* corner = from + i * from_stride + j;
      float* turned = to + j * to_stride + i;
#if defined(__AVX512F__)
      if (height == kBlock && width == kBlock) {
        transpose_16(corner, from_stride, turned, to_stride);
        continue;
      }
#endif
      float block[kBlock][kBlock];
      for (std::int64_t r = 0; r < height; ++r)
        for (std::int64_t c = 0; c < width; ++c) block[c][r] = corner[r * from_stride + c];
      for (std::int64_t c = 0; c < width; ++c)
        for (std::int64_t r = 0; r < height; ++r) turned[c * to_stride + r] = block[c][r];
    }
  }
}

void transpose(const TransposeArgs& p) {
  on_threads(p.threads, [&] {
    const Part mine = share(p.columns, kCacheLine);
    if (mine.end > mine.begin)
      transpose_part(p.from + mine.begin, p.from_stride, p.rows, mine.end - mine.begin, p.to + mine.begin * p.to_stride,
                     p.to_stride);
  });
}

}  // namespace
}  // namespace lacuna::cpu::LACUNA_CPU_TARGET
