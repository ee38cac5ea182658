// y_{c P + p} = x_c: what belongs to a channel, for each of its P positions.
//
// x [C], y [C P]. Threads: a block of 128 for each channel; any size. Writes C P floats. Deterministic.

#include "kernels/kernels.h"
#include "kernels/step_launch.h"

namespace lacuna::cuda {

namespace {

constexpr int kThreads = 128;

__global__ void __launch_bounds__(kThreads)
    spread_channels_kernel(const float* channels, std::int64_t positions, float* columns) {
  wait_for_previous();
  const float value = channels[blockIdx.x];
  float* to = columns + blockIdx.x * positions;
  for (std::int64_t p = threadIdx.x; p < positions; p += kThreads) to[p] = value;
}

}  // namespace

void spread_channels(const Workspace& workspace, const float* channels, std::int64_t channel_count,
                     std::int64_t positions, float* columns) {
  launch(&spread_channels_kernel, step_shape(static_cast<unsigned>(channel_count), kThreads, workspace), channels,
         positions, columns);
}

}  // namespace lacuna::cuda
