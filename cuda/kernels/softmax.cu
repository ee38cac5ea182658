// p_ij = e^(z_ij - m_i) / sum_k e^(z_ik - m_i), z = a + b, m_i the row's maximum; in place.
//
// a, p [M, C] row-major, b [C]. Threads: 32 x 8; a warp for a row, or 8 lanes where there are few classes; four classes
// each where rows are aligned to 16 bytes; any size. Reads M C floats from memory (the second reading hits a cache) and
// writes M C. Deterministic.

#include "device/softmax_row.cuh"
#include "kernels/pass_launch.h"

namespace lacuna::cuda {

namespace {

template <int kWidth, int kLanes>
__global__ void __launch_bounds__(kPassThreads, kResidentBlocks)
    softmax_kernel(float* logits, const float* bias, std::int64_t rows, std::int64_t classes) {
  constexpr int kRowsOfWarp = kWarp / kLanes;
  const int lane = static_cast<int>(threadIdx.x) % kLanes;
  for (std::int64_t first = (std::int64_t{blockIdx.x} * kSlices + threadIdx.y) * kRowsOfWarp; first < rows;
       first += std::int64_t{gridDim.x} * kSlices * kRowsOfWarp) {
    const std::int64_t i = first + threadIdx.x / kLanes, mine = i < rows ? classes : 0;
    float* row = logits + i * classes;
    const Normalizer normalizer = softmax_normalizer<kWidth, kLanes>(row, bias, mine, lane);
    const float inverse = 1.0f / normalizer.sum;
    for (std::int64_t j = lane * kWidth; j < mine; j += kLanes * kWidth) {
      Floats<kWidth> z = load<kWidth>(row + j);
      const Floats<kWidth> b = load<kWidth>(bias + j);
#pragma unroll
      for (int w = 0; w < kWidth; ++w) z.at[w] = math::exp_clamped(z.at[w] + b.at[w] - normalizer.maximum) * inverse;
      store<kWidth>(row + j, z);
    }
  }
}

}  // namespace

void softmax(const Workspace& workspace, const SoftmaxArgs& p) {
  with_width(common_width(p.classes, p.logits, p.bias), [&](auto width) {
    with_lanes(p.classes, width, [&](auto lanes) {
      launch(
          &softmax_kernel<decltype(width)::value, decltype(lanes)::value>,
          LaunchShape(row_blocks(p.rows, lanes, workspace.multiprocessors), dim3(kWarp, kSlices), 0, workspace.stream),
          p.logits, p.bias, p.rows, p.classes);
    });
  });
}

}  // namespace lacuna::cuda
