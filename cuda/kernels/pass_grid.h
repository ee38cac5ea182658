#pragma once

#include <algorithm>
#include <cstdint>

#include "device/column_pass.cuh"
#include "kernels/kernels.h"
#include "runtime/launch.h"

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

  LaunchShape shape(cudaStream_t stream, const char* file = __builtin_FILE(), int line = __builtin_LINE()) const {
    return {
        dim3(static_cast<unsigned>(tiles), static_cast<unsigned>(chunks)), dim3(kWarp, kSlices), 0, stream, file, line};
  }
  ColumnPass pass(const Workspace& workspace, std::int64_t rows, std::int64_t columns) const {
    return {rows, columns, chunk_rows, workspace.partials, tile_counters(workspace)};
  }

  /// The first counter is for values.
  static unsigned* value_counter(const Workspace& workspace) { return workspace.counters; }
  static unsigned* tile_counters(const Workspace& workspace) { return workspace.counters + 1; }
};

/// 4 where rows of `columns` elements at all these addresses can be read four at a time, else 1. Null is no hindrance.
template <class... T>
int common_width(std::int64_t columns, const T*... addresses) {
  const auto aligned = [](const auto* address) {
    return reinterpret_cast<std::uintptr_t>(address) % (4 * sizeof *address) == 0;
  };
  return columns % 4 == 0 && (aligned(addresses) && ...) ? 4 : 1;
}

/// Calls f with the width as a compile-time number.
template <class F>
void with_width(int width, const F& f) {
  if (width == 4)
    f(std::integral_constant<int, 4>{});
  else
    f(std::integral_constant<int, 1>{});
}

}  // namespace lacuna::cuda
