#pragma once

#include "device/column_pass.cuh"
#include "kernels/kernels.h"
#include "kernels/pass_grid.h"
#include "kernels/step_launch.h"

namespace lacuna::cuda {

inline LaunchShape pass_shape(const PassGrid& grid, const Workspace& workspace, const char* file = __builtin_FILE(),
                              int line = __builtin_LINE()) {
  return step_shape(dim3(static_cast<unsigned>(grid.tiles), static_cast<unsigned>(grid.chunks)), dim3(kWarp, kSlices),
                    workspace, file, line);
}

/// The first counter is for values, the others are for tiles.
inline unsigned* value_counter(const Workspace& workspace) {
  return workspace.counters;
}

inline ColumnPass pass_over(const PassGrid& grid, const Workspace& workspace, std::int64_t rows, std::int64_t columns) {
  return {rows, columns, grid.chunk_rows, workspace.partials, workspace.counters + 1};
}

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
