#pragma once

#include <cstdint>

namespace lacuna::cuda {

constexpr int kWarp = 32;
constexpr int kSlices = 8;
/// A block of a column pass: 32 x 8 threads.
constexpr int kPassThreads = kWarp * kSlices;

/// Columns of one block whose threads take `width` elements each.
constexpr int tile_columns(int width) {
  return kWarp * width;
}

/// The extents of a column pass and its memory.
struct ColumnPass {
  std::int64_t rows, columns;
  std::int64_t chunk_rows;  ///< rows of one chunk
  float* partials;          ///< [chunks, sums, columns]
  unsigned* counters;       ///< one for each tile, zero
};

}  // namespace lacuna::cuda
