#pragma once

#include <cooperative_groups.h>

namespace lacuna::cuda {

/// Every thread of a cooperative launch waits for all others, and sees what they wrote before. Loads from memory that
/// changes within a launch must not go through the read-only cache.
__device__ __forceinline__ void grid_barrier() {
  cooperative_groups::this_grid().sync();
}

}  // namespace lacuna::cuda
