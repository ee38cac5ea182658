// g += lambda w over the ranges that decay; value = lambda/2 sum w^2.
//
// What update_parameters.cu does on its way, for a line search, which needs the gradient itself. One launch over the
// whole slab, cut into the same segments. Threads: 256, four elements each; any size. Reads 2 and writes 1 float for
// each parameter. Deterministic.

#include "device/column_pass.cuh"
#include "kernels/pass_launch.h"

namespace lacuna::cuda {

namespace {

/// Returns the sum of squares.
template <int kWidth>
__device__ float decay_elements(const float* parameters, float* gradients, float decay, std::int64_t i) {
  const Floats<kWidth> w = load<kWidth>(parameters + i);
  Floats<kWidth> g = load<kWidth>(gradients + i);
  float squares = 0;
#pragma unroll
  for (int k = 0; k < kWidth; ++k) {
    squares += w.at[k] * w.at[k];
    g.at[k] += decay * w.at[k];
  }
  store<kWidth>(gradients + i, g);
  return squares;
}

__global__ void __launch_bounds__(kPassThreads)
    decay_gradients_kernel(const float* parameters, float* gradients, const UpdateSegment* segments,
                           double weight_decay, double* value, double* value_partials, unsigned* counter) {
  constexpr int kWidth = 4;
  const UpdateSegment segment = segments[blockIdx.x];
  const int thread = static_cast<int>(threadIdx.x);
  double sum = 0;
  if (segment.decays) {
    const auto decay = static_cast<float>(weight_decay);
    const int whole = segment.elements / kWidth * kWidth;
    float squares = 0;
    for (int i = thread * kWidth; i < whole; i += kPassThreads * kWidth)
      squares += decay_elements<kWidth>(parameters, gradients, decay, segment.offset + i);
    if (whole + thread < segment.elements)
      squares += decay_elements<1>(parameters, gradients, decay, segment.offset + whole + thread);
    sum = static_cast<double>(squares);
  }
  if (grid_sum(sum, value_partials, counter) && thread == 0) *value = 0.5 * weight_decay * sum;
}

}  // namespace

void decay_gradients(const Workspace& workspace, const DecayGradientsArgs& p) {
  launch(&decay_gradients_kernel,
         LaunchShape(static_cast<unsigned>(p.segment_count), kPassThreads, 0, workspace.stream), p.parameters,
         p.gradients, p.segments, p.weight_decay, p.value, workspace.value_partials, value_counter(workspace));
}

}  // namespace lacuna::cuda
