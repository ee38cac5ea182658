#pragma once

#include <cuda_runtime_api.h>

#include "resident/resident_shape.h"

namespace lacuna::cuda {

/// Readies the current device for launches with up to so much shared memory a block, the most that it allows: kernels
/// of several sizes may be ready at once. Returns how many blocks a multiprocessor holds, 0 if none.
int prepare_resident(const ResidentShape& shape, std::int64_t shared_bytes);

/// p.steps steps, at least one. To be put on the device that has been prepared, all of p.shape.blocks resident at once.
void launch_resident(const ResidentArgs& p, cudaStream_t stream);

}  // namespace lacuna::cuda
