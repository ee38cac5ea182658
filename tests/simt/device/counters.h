#pragma once

#include <cstdint>

namespace simt {

// What has been executed since the last reset_kernel_counters().
struct KernelCounters {
  std::uint64_t launches = 0;
  std::uint64_t blocks = 0;
  std::uint64_t threads = 0;          // threads that ran to their end
  std::uint64_t switches = 0;         // from the scheduler to a fiber, or back
  std::uint64_t barriers = 0;         // __syncthreads() of one block, completed
  std::uint64_t grid_barriers = 0;    // this_grid().sync(), completed
  std::uint64_t warp_operations = 0;  // shuffles, votes, __syncwarp() of one group of lanes, completed
};

extern KernelCounters kernel_counters;

inline void reset_kernel_counters() {
  kernel_counters = {};
}

}  // namespace simt
