#pragma once

#include <cuda_runtime.h>

#include "device/pass_shape.h"

// Reductions and hand-overs within a block and between blocks. All are deterministic: the order of every addition is
// fixed by thread and block indices.

namespace lacuna::cuda {

constexpr unsigned kAllLanes = 0xffffffffu;

struct Add {
  template <class T>
  __device__ __forceinline__ T operator()(T a, T b) const {
    return a + b;
  }
};

/// NaN wins, so that it cannot be lost in a maximum.
struct Maximum {
  __device__ __forceinline__ float operator()(float a, float b) const { return a > b || a != a ? a : b; }
};

/// Every lane gets the result.
template <class T, class Combine>
__device__ __forceinline__ T warp_reduce(T value, const Combine& combine) {
  for (int distance = kWarp / 2; distance > 0; distance /= 2)
    value = combine(value, __shfl_xor_sync(kAllLanes, value, distance));
  return value;
}

/// Sum over a block of kThreads threads, a multiple of 32; `thread` is the index within it. Thread 0 gets the result.
/// Ends with a barrier, so that it may be called again at once.
template <int kThreads, class T>
__device__ T block_sum(T value, int thread) {
  static_assert(kThreads % kWarp == 0 && kThreads <= kWarp * kWarp);
  __shared__ T partial[kThreads / kWarp];
  value = warp_reduce(value, Add{});
  if (thread % kWarp == 0) partial[thread / kWarp] = value;
  __syncthreads();
  T total = 0;
  if (thread == 0)
    for (const T& warp_total : partial) total += warp_total;
  __syncthreads();
  return total;
}

/// Whether this block is the last of `blocks` that came here; then all that the others wrote before is visible to each
/// of its threads. `counter` must be 0 and is 0 again afterwards. To be called by every thread of the block.
__device__ __forceinline__ bool is_last_block(unsigned* counter, unsigned blocks, int thread) {
  __shared__ bool last;
  // Every thread's writes must be out before the block is counted.
  __threadfence();
  __syncthreads();
  if (thread == 0) last = atomicInc(counter, blocks - 1) == blocks - 1;
  __syncthreads();
  const bool result = last;
  __syncthreads();
  if (result) __threadfence();
  return result;
}

}  // namespace lacuna::cuda
