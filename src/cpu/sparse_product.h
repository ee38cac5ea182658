#pragma once

#include <cstdint>

// Products with a mostly zero minibatch. About 80% of the pixels of handwritten digits are exactly zero, and two of the
// five products of a step have the minibatch x [M, D] as an operand: x W^T and delta^T x. Going through the
// nonzero values alone does a fifth of their arithmetic.

namespace lacuna::cpu {

/// The nonzero values of a matrix [rows, depth], cut along its depth into tiles such that the part of the dense operand
/// that a tile meets stays in L1. Entry e of row r in tile t lies at begin[t * rows + r] + e, e < count[t * rows + r].
struct TiledSparse {
  std::int64_t rows = 0, depth = 0, tiles = 0, tile_depth = 0;
  std::int32_t* begin = nullptr;  ///< [tiles, rows]
  std::uint8_t* count = nullptr;  ///< [tiles, rows]
  std::uint8_t* index = nullptr;  ///< position along the depth within the tile
  float* values = nullptr;
};

/// Memory for a TiledSparse whose every element could be nonzero. lay_out() returns the bytes needed and, given memory,
/// sets the pointers into it.
std::int64_t lay_out(TiledSparse& matrix, std::int64_t rows, std::int64_t depth, std::int64_t tile_depth, void* memory);

/// out [rows, columns] = sparse [rows, depth] weight^T, weight [columns, depth].
struct SparseProductArgs {
  TiledSparse sparse;
  const float* weight;
  float* out;
  std::int64_t columns;
  int threads;
};

/// gradient [columns, depth] = delta^T sparse, delta [rows, columns] contiguous and readable one vector past its end.
struct SparseGradientArgs {
  TiledSparse sparse;
  const float* delta;
  float* gradient;
  std::int64_t columns;
  int threads;
};

/// to [columns, rows] = from [rows, columns] transposed.
struct TransposeArgs {
  const float* from;
  std::int64_t from_stride;
  float* to;
  std::int64_t to_stride;
  std::int64_t rows, columns;
  int threads;
};

}  // namespace lacuna::cpu
