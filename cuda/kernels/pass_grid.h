#pragma once

#include <algorithm>
#include <cstdint>

#include "device/pass_shape.h"

namespace lacuna::cuda {

/// How a column pass is cut: enough blocks to fill the device, but no chunk with fewer rows than slices.
struct PassGrid {
  int width;  ///< elements of one thread: 4 or 1
  std::int64_t tiles, chunks, chunk_rows;

  PassGrid(std::int64_t rows, std::int64_t columns, int element_width, int multiprocessors) : width(element_width) {
    constexpr std::int64_t kBlocksPerMultiprocessor = 8;  // 2048 threads
    tiles = (columns + tile_columns(width) - 1) / tile_columns(width);
    const std::int64_t wanted = (kBlocksPerMultiprocessor * multiprocessors + tiles - 1) / tiles;
    const std::int64_t most = (rows + kSlices - 1) / kSlices;
    chunk_rows = (rows + std::min(wanted, most) - 1) / std::min(wanted, most);
    chunks = (rows + chunk_rows - 1) / chunk_rows;
  }
};

}  // namespace lacuna::cuda
