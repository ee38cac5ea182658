// y_c = sum_p x_{c P + p}, in double.
//
// x [C P], y [C]. Threads: a block of 128 for each channel; any size. Reads C P floats. Deterministic.

#include "device/block.cuh"
#include "kernels/kernels.h"
#include "kernels/step_launch.h"

namespace lacuna::cuda {

namespace {

constexpr int kThreads = 128;

__global__ void __launch_bounds__(kThreads)
    sum_channels_kernel(const float* columns, std::int64_t positions, float* channels) {
  wait_for_previous();
  const float* from = columns + blockIdx.x * positions;
  const int thread = static_cast<int>(threadIdx.x);
  double sum = 0;
  for (std::int64_t p = thread; p < positions; p += kThreads) sum += static_cast<double>(from[p]);
  sum = block_sum<kThreads>(sum, thread);
  if (thread == 0) channels[blockIdx.x] = static_cast<float>(sum);
}

}  // namespace

void sum_channels(const Workspace& workspace, const float* columns, std::int64_t channel_count, std::int64_t positions,
                  float* channels) {
  launch(&sum_channels_kernel, step_shape(static_cast<unsigned>(channel_count), kThreads, workspace), columns,
         positions, channels);
}

}  // namespace lacuna::cuda
