#include <algorithm>

#include "kernels/kernels.h"
#include "kernels/pass_grid.h"

namespace lacuna::cuda {

WorkspaceNeeds pass_needs(std::int64_t rows, std::int64_t columns, int multiprocessors) {
  constexpr std::int64_t kMostSums = 2;
  WorkspaceNeeds needs;
  for (const int width : {1, 4}) {
    const PassGrid grid(rows, columns, width, multiprocessors);
    needs.partials = std::max(needs.partials, grid.chunks * kMostSums * columns);
    // One value of each block, or two of each tile.
    needs.value_partials = std::max({needs.value_partials, grid.tiles * grid.chunks, 2 * grid.tiles});
    needs.counters = std::max(needs.counters, 1 + grid.tiles);
  }
  // A pass by rows with two values: softmax.
  needs.value_partials = std::max(needs.value_partials, std::int64_t{2 * 16} * multiprocessors);
  return needs;
}

}  // namespace lacuna::cuda
