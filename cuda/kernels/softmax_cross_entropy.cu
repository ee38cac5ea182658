// loss = -(1/M) sum_i log softmax(z_i)[y_i], z = a + b; delta = (softmax(z) - onehot(y)) / M; output = softmax(z).
//
// a, delta, output [M, C] row-major, b [C], y [M]; M from device memory. delta and output may take the place of a.
// Threads: a warp for a row, 8 rows a block; four classes each where rows are aligned to 16 bytes; any size.
// Reads M C floats from memory (the second reading hits a cache), writes M C for each of delta and output.
// Deterministic.

#include "device/softmax_row.cuh"
#include "kernels/pass_launch.h"

namespace lacuna::cuda {

namespace {

template <int kWidth>
__global__ void __launch_bounds__(kPassThreads)
    softmax_cross_entropy_kernel(SoftmaxCrossEntropyArgs p, double* value_partials, unsigned* value_counter) {
  const int lane = static_cast<int>(threadIdx.x);
  const float inverse_samples = 1.0f / p.scalars->sample_count;
  double value = 0;
  for (std::int64_t i = std::int64_t{blockIdx.x} * kSlices + threadIdx.y; i < p.rows;
       i += std::int64_t{gridDim.x} * kSlices) {
    const float* row = p.product + i * p.classes;
    const std::int64_t label = p.labels[i];
    const Normalizer normalizer = softmax_normalizer<kWidth>(row, p.bias, p.classes, lane);
    if (lane == 0)
      value += static_cast<double>(logf(normalizer.sum)) +
               (static_cast<double>(normalizer.maximum) - static_cast<double>(row[label] + p.bias[label]));
    // delta or output may take the row's place: lane 0 must have read the label's element before.
    __syncwarp();
    const float inverse = 1.0f / normalizer.sum;
    for (std::int64_t j = lane * kWidth; j < p.classes; j += kWarp * kWidth) {
      const Floats<kWidth> a = load<kWidth>(row + j), b = load<kWidth>(p.bias + j);
      Floats<kWidth> output, delta;
#pragma unroll
      for (int w = 0; w < kWidth; ++w) {
        output.at[w] = math::exp_clamped(a.at[w] + b.at[w] - normalizer.maximum) * inverse;
        delta.at[w] = (output.at[w] - (j + w == label ? 1.0f : 0.0f)) * inverse_samples;
      }
      if (p.delta) store<kWidth>(p.delta + i * p.classes + j, delta);
      if (p.output) store<kWidth>(p.output + i * p.classes + j, output);
    }
  }
  if (grid_sum(value, value_partials, value_counter) && threadIdx.x == 0 && threadIdx.y == 0)
    *p.value = value / static_cast<double>(p.scalars->sample_count);
}

}  // namespace

void softmax_cross_entropy(const Workspace& workspace, const SoftmaxCrossEntropyArgs& p) {
  with_width(common_width(p.classes, p.product, p.bias, p.delta, p.output), [&](auto width) {
    launch(&softmax_cross_entropy_kernel<decltype(width)::value>,
           LaunchShape(row_blocks(p.rows, workspace.multiprocessors), dim3(kWarp, kSlices), 0, workspace.stream), p,
           workspace.value_partials, value_counter(workspace));
  });
}

}  // namespace lacuna::cuda
