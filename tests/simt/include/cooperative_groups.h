#pragma once

#include "device/api.h"

// The part of cooperative groups that concerns blocks and the grid.
namespace cooperative_groups {

class thread_block {
 public:
  void sync(simt::Site site = simt::Site::current()) const {
    simt::meet_block("thread_block::sync", simt::Operation::none, false, site);
  }
  unsigned thread_rank() const { return simt::context.rank; }
  unsigned size() const { return num_threads(); }
  unsigned num_threads() const { return blockDim.x * blockDim.y * blockDim.z; }
  uint3 group_index() const { return blockIdx; }
  uint3 thread_index() const { return threadIdx; }
  dim3 group_dim() const { return blockDim; }
};

inline thread_block this_thread_block() {
  return {};
}

// sync() needs a cooperative launch: all blocks must be resident.
class grid_group {
 public:
  void sync(simt::Site site = simt::Site::current()) const {
    simt::wait(simt::State::at_grid, {.site = site, .call = "grid_group::sync"});
  }
  bool is_valid() const { return simt::is_cooperative(); }
  unsigned long long thread_rank() const {
    return block_rank() * this_thread_block().num_threads() + this_thread_block().thread_rank();
  }
  unsigned long long size() const { return num_threads(); }
  unsigned long long num_threads() const { return num_blocks() * this_thread_block().num_threads(); }
  unsigned long long num_blocks() const { return static_cast<unsigned long long>(gridDim.x) * gridDim.y * gridDim.z; }
  unsigned long long block_rank() const {
    return (static_cast<unsigned long long>(blockIdx.z) * gridDim.y + blockIdx.y) * gridDim.x + blockIdx.x;
  }
  dim3 group_dim() const { return gridDim; }
};

inline grid_group this_grid() {
  return {};
}

}  // namespace cooperative_groups
