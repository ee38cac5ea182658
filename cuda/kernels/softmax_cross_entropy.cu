// loss = -(1/M) sum_i log softmax(z_i)[y_i], z = a + b; delta = (softmax(z) - onehot(y)) / M; output = softmax(z).
//
// a, delta, output [M, C] row-major, b [C], y [M]; M from device memory. delta and output may take the place of a.
// Threads: 32 x 8; a warp for a row, or 8 lanes where there are few classes; four classes each where rows are aligned
// to 16 bytes; any size. Counts the rows whose largest z, the first among equals, is the label's; NaN is never largest.
// Reads M C floats from memory (the second reading hits a cache), writes M C for each of delta and output.
// Deterministic.

#include "device/softmax_row.cuh"
#include "kernels/pass_launch.h"

namespace lacuna::cuda {

namespace {

template <int kWidth, int kLanes>
__global__ void __launch_bounds__(kPassThreads)
    softmax_cross_entropy_kernel(SoftmaxCrossEntropyArgs p, double* value_partials, unsigned* counters) {
  wait_for_previous();
  constexpr int kRowsOfWarp = kWarp / kLanes;
  const int lane = static_cast<int>(threadIdx.x) % kLanes;
  // The lanes that share this one's row.
  const unsigned together = kAllLanes >> (kWarp - kLanes) << (threadIdx.x - static_cast<unsigned>(lane));
  const float inverse_samples = 1.0f / p.scalars->sample_count;
  double value = 0, correct = 0;
  for (std::int64_t first = (std::int64_t{blockIdx.x} * kSlices + threadIdx.y) * kRowsOfWarp; first < p.rows;
       first += std::int64_t{gridDim.x} * kSlices * kRowsOfWarp) {
    const std::int64_t i = first + threadIdx.x / kLanes, classes = i < p.rows ? p.classes : 0;
    const float* row = p.product + i * p.classes;
    const std::int64_t label = i < p.rows ? p.labels[i] : 0;
    const float chosen = i < p.rows ? row[label] + p.bias[label] : 0.0f;
    const Normalizer normalizer = softmax_normalizer<kWidth, kLanes>(row, p.bias, classes, lane);
    if (lane == 0 && i < p.rows)
      value += static_cast<double>(logf(normalizer.sum)) +
               (static_cast<double>(normalizer.maximum) - static_cast<double>(chosen));
    // delta or output may take the row's place: every lane must have read the label's element before.
    __syncwarp();
    const float inverse = 1.0f / normalizer.sum;
    bool largest = i < p.rows;
    for (std::int64_t j = lane * kWidth; j < classes; j += kLanes * kWidth) {
      const Floats<kWidth> a = load<kWidth>(row + j), b = load<kWidth>(p.bias + j);
      Floats<kWidth> output, delta;
#pragma unroll
      for (int w = 0; w < kWidth; ++w) {
        const float z = a.at[w] + b.at[w];
        largest = largest && (j + w < label ? z < chosen : z <= chosen);
        output.at[w] = math::exp_clamped(z - normalizer.maximum) * inverse;
        delta.at[w] = (output.at[w] - (j + w == label ? 1.0f : 0.0f)) * inverse_samples;
      }
      if (p.delta) store<kWidth>(p.delta + i * p.classes + j, delta);
      if (p.output) store<kWidth>(p.output + i * p.classes + j, output);
    }
    if ((__ballot_sync(kAllLanes, largest) & together) == together && lane == 0) correct += 1;
  }
  const bool writes = threadIdx.x == 0 && threadIdx.y == 0;
  if (grid_sum(value, value_partials, counters) && writes)
    *p.value = value / static_cast<double>(p.scalars->sample_count);
  if (!p.correct) return;
  // Memory of its own: blocks may come here while the last one still adds up the values.
  if (grid_sum(correct, value_partials + gridDim.x, counters + 1) && writes) *p.correct = correct;
}

}  // namespace

void softmax_cross_entropy(const Workspace& workspace, const SoftmaxCrossEntropyArgs& p) {
  with_width(common_width(p.classes, p.product, p.bias, p.delta, p.output), [&](auto width) {
    with_lanes(p.classes, width, [&](auto lanes) {
      launch(&softmax_cross_entropy_kernel<decltype(width)::value, decltype(lanes)::value>,
             step_shape(row_blocks(p.rows, lanes, workspace.multiprocessors), dim3(kWarp, kSlices), workspace), p,
             workspace.value_partials, workspace.counters);
    });
  });
}

}  // namespace lacuna::cuda
