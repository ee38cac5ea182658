// Part of kernels.inl's translation units: compiled once for each instruction set.

#include "cpu/sparse_product.h"

namespace lacuna::cpu::LACUNA_CPU_TARGET {
namespace {

/// Eight sums in registers hide the latency of multiply-add; a tile of the dense operand is 24 KiB of L1.
constexpr int kVectors = 8;
constexpr std::int64_t kTileDepth = 24 * 1024 / (kVectors * kLanes * static_cast<std::int64_t>(sizeof(float)));
static_assert(kTileDepth <= 255, "positions within a tile are bytes");

/// out[0 .. Vectors * kLanes) (+)= sum over entries of value * dense[index]. The last vector may be partly valid.
template <int Vectors>
inline __attribute__((always_inline)) void sparse_row(const std::uint8_t* index, const float* values,
                                                      std::int64_t count, const float* dense, std::int64_t stride,
                                                      float* out, std::int64_t valid, bool accumulate) {
  Vector sum[Vectors];
  float row[Vectors * kLanes];
  const bool whole = valid == Vectors * kLanes;
  if (accumulate && !whole) __builtin_memcpy(row, out, static_cast<std::size_t>(valid) * sizeof(float));
  const float* from = whole ? out : row;
#pragma GCC unroll 8
  for (int v = 0; v < Vectors; ++v) sum[v] = accumulate ? load(from + v * kLanes) : Vector{};
  for (std::int64_t e = 0; e < count; ++e) {
    const float* b = dense + index[e] * stride;
    const float value = values[e];
#pragma GCC unroll 8
    for (int v = 0; v < Vectors; ++v) sum[v] += value * load(b + v * kLanes);
  }
  float* to = whole ? out : row;
#pragma GCC unroll 8
  for (int v = 0; v < Vectors; ++v) __builtin_memcpy(to + v * kLanes, &sum[v], sizeof sum[v]);
  if (!whole) __builtin_memcpy(out, row, static_cast<std::size_t>(valid) * sizeof(float));
}

/// Rows [row_begin, row_end) of one block of columns, tile after tile, so that a tile of `dense` serves all rows.
template <int Vectors>
void sparse_block(const SparseProductArgs& p, std::int64_t row_begin, std::int64_t row_end, std::int64_t column) {
  const TiledSparse& s = p.sparse;
  const std::int64_t room = p.columns - column;
  const std::int64_t valid = room < Vectors * kLanes ? room : Vectors * kLanes;
  for (std::int64_t t = 0; t < s.tiles; ++t) {
    const float* dense = p.dense + t * s.tile_depth * p.dense_stride + column;
    for (std::int64_t r = row_begin; r < row_end; ++r) {
      const std::int64_t count = s.count[t * s.rows + r];
      if (count == 0 && t > 0) continue;
      const std::int64_t begin = s.begin[t * s.rows + r];
      sparse_row<Vectors>(s.index + begin, s.values + begin, count, dense, p.dense_stride,
                          p.out + r * p.out_stride + column, valid, t > 0);
    }
  }
}

/// Every element is summed by one thread in the order of the depth: the schedule does not change the bits.
void sparse_product(const SparseProductArgs& p) {
  using Block = void (*)(const SparseProductArgs&, std::int64_t, std::int64_t, std::int64_t);
  constexpr Block kBlocks[kVectors] = {sparse_block<1>, sparse_block<2>, sparse_block<3>, sparse_block<4>,
                                       sparse_block<5>, sparse_block<6>, sparse_block<7>, sparse_block<8>};
  const std::int64_t vectors = (p.columns + kLanes - 1) / kLanes;
  const std::int64_t blocks = (vectors + kVectors - 1) / kVectors;
  std::int64_t chunk = (p.sparse.rows + p.threads - 1) / p.threads;
  chunk = chunk > 256 ? 256 : (chunk < 16 ? 16 : chunk);
  const std::int64_t chunks = (p.sparse.rows + chunk - 1) / chunk;
  on_threads(p.threads, [&] {
#pragma omp for schedule(dynamic)
    for (std::int64_t item = 0; item < blocks * chunks; ++item) {
      const std::int64_t block = item / chunks, row = item % chunks * chunk;
      const std::int64_t first = vectors * block / blocks, last = vectors * (block + 1) / blocks;
      const std::int64_t row_end = row + chunk < p.sparse.rows ? row + chunk : p.sparse.rows;
      kBlocks[last - first - 1](p, row, row_end, first * kLanes);
    }
  });
}

/// One sample's nonzero values within a tile. Groups of eight zeros, most of a digit's image, are passed over whole.
std::int32_t compress_row(const float* x, std::int64_t length, std::uint8_t* index, float* values) {
  std::int32_t n = 0;
  std::int64_t j = 0;
#if defined(__AVX2__)
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

void compress(const CompressArgs& p) {
  const TiledSparse& s = p.sparse;
  on_threads(p.threads, [&] {
    const Part mine = share(s.rows, 1);
    for (std::int64_t t = 0; t < s.tiles; ++t) {
      const std::int64_t first = t * s.tile_depth;
      const std::int64_t length = first + s.tile_depth < s.depth ? s.tile_depth : s.depth - first;
      std::int64_t at = (t * s.rows + mine.begin) * s.tile_depth;
      for (std::int64_t r = mine.begin; r < mine.end; ++r) {
        const std::int32_t n = compress_row(p.x + r * s.depth + first, length, s.index + at, s.values + at);
        s.begin[t * s.rows + r] = static_cast<std::int32_t>(at);
        s.count[t * s.rows + r] = static_cast<std::uint8_t>(n);
        at += n;
      }
    }
  });
}

/// The part of the gradient that belongs to one tile and one block of columns, collected in L1 over all rows.
template <int Vectors>
void gradient_block(const SparseGradientArgs& p, std::int64_t t, std::int64_t column) {
  constexpr int kWidth = Vectors * kLanes;
  const TiledSparse& s = p.sparse;
  alignas(64) float tile[kTileDepth * kWidth];
  const std::int64_t first = t * s.tile_depth;
  const std::int64_t depth = first + s.tile_depth < s.depth ? s.tile_depth : s.depth - first;
  for (std::int64_t i = 0; i < depth * kWidth; ++i) tile[i] = 0.0f;
  for (std::int64_t r = 0; r < s.rows; ++r) {
    const std::int64_t count = s.count[t * s.rows + r];
    if (count == 0) continue;
    const std::int64_t begin = s.begin[t * s.rows + r];
    const std::uint8_t* index = s.index + begin;
    const float* values = s.values + begin;
    Vector delta[Vectors];
#pragma GCC unroll 8
    for (int v = 0; v < Vectors; ++v) delta[v] = load(p.delta + r * p.columns + column + v * kLanes);
    for (std::int64_t e = 0; e < count; ++e) {
      float* sum = tile + index[e] * kWidth;
      const float value = values[e];
#pragma GCC unroll 8
      for (int v = 0; v < Vectors; ++v) {
        const Vector next = load(sum + v * kLanes) + value * delta[v];
        __builtin_memcpy(sum + v * kLanes, &next, sizeof next);
      }
    }
  }
  const std::int64_t valid = p.columns - column < kWidth ? p.columns - column : kWidth;
  for (std::int64_t j = 0; j < valid; ++j)
    for (std::int64_t i = 0; i < depth; ++i) p.gradient[(column + j) * s.depth + first + i] = tile[i * kWidth + j];
}

void sparse_gradient(const SparseGradientArgs& p) {
  using Block = void (*)(const SparseGradientArgs&, std::int64_t, std::int64_t);
  constexpr Block kBlocks[kVectors] = {gradient_block<1>, gradient_block<2>, gradient_block<3>, gradient_block<4>,
                                       gradient_block<5>, gradient_block<6>, gradient_block<7>, gradient_block<8>};
  const std::int64_t vectors = (p.columns + kLanes - 1) / kLanes;
  const std::int64_t blocks = (vectors + kVectors - 1) / kVectors;
  on_threads(p.threads, [&] {
#pragma omp for schedule(dynamic)
    for (std::int64_t item = 0; item < p.sparse.tiles * blocks; ++item) {
      // Tile after tile within a block, whose part of delta then stays in L2.
      const std::int64_t block = item / p.sparse.tiles;
      const std::int64_t begin = vectors * block / blocks, end = vectors * (block + 1) / blocks;
      kBlocks[end - begin - 1](p, item % p.sparse.tiles, begin * kLanes);
    }
  });
}

void transpose(const TransposeArgs& p) {
  constexpr std::int64_t kBlock = 16;
  on_threads(p.threads, [&] {
    const Part mine = share(p.columns, kBlock);
    for (std::int64_t column = mine.begin; column < mine.end; column += kBlock) {
      const std::int64_t width = column + kBlock < p.columns ? kBlock : p.columns - column;
      for (std::int64_t row = 0; row < p.rows; row += kBlock) {
        const std::int64_t height = row + kBlock < p.rows ? kBlock : p.rows - row;
        float block[kBlock][kBlock];
        for (std::int64_t i = 0; i < height; ++i)
          for (std::int64_t j = 0; j < width; ++j) block[j][i] = p.from[(row + i) * p.from_stride + column + j];
        for (std::int64_t j = 0; j < width; ++j)
          for (std::int64_t i = 0; i < height; ++i) p.to[(column + j) * p.to_stride + row + i] = block[j][i];
      }
    }
  });
}

}  // namespace
}  // namespace lacuna::cpu::LACUNA_CPU_TARGET
