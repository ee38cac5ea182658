#pragma once

#include <cuda_runtime_api.h>

namespace lacuna::bench {

/// A kernel of one block that does nothing. `programmatic`: it may begin while the one before it ends.
void launch_nothing(cudaStream_t stream, bool programmatic);

/// A cooperative kernel whose `blocks` blocks meet at `barriers` barriers of the whole grid.
void launch_barriers(cudaStream_t stream, int blocks, int barriers);

/// Blocks of the largest cluster that fits on the device, each with `shared_bytes` of shared memory; 0 before sm_90.
int largest_cluster(int shared_bytes);

}  // namespace lacuna::bench
