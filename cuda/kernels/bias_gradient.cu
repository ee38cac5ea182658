// sums_j = sum_i v_ij: the bias gradient of a delta that is there already.
//
// v [M, N] row-major. Where a kernel makes the delta itself, it sums it in the same pass; this is for the others.
// Threads: 32 x 8 of device/column_pass.cuh, four columns each where rows are aligned to 16 bytes; any size.
// Reads M N floats. Deterministic.

#include "kernels/pass_launch.h"

namespace lacuna::cuda {

namespace {

template <int kWidth>
struct BiasGradientBody {
  const float* values;

  __device__ void begin(std::int64_t) {}
  __device__ void element(std::int64_t offset, Floats<kWidth>* sums) {
    const Floats<kWidth> v = load<kWidth>(values + offset);
#pragma unroll
    for (int w = 0; w < kWidth; ++w) sums[0].at[w] += v.at[w];
  }
};

template <int kWidth>
__global__ void __launch_bounds__(kPassThreads)
    bias_gradient_kernel(ColumnPass pass, const float* values, float* sums) {
  BiasGradientBody<kWidth> body{values};
  float* const results[1] = {sums};
  column_pass<kWidth>(pass, body, results);
}

}  // namespace

void bias_gradient(const Workspace& workspace, const float* values, std::int64_t rows, std::int64_t columns,
                   float* sums) {
  const PassGrid grid(rows, columns, common_width(columns, values, sums), workspace.multiprocessors);
  with_width(grid.width, [&](auto width) {
    launch(&bias_gradient_kernel<decltype(width)::value>, pass_shape(grid, workspace.stream),
           pass_over(grid, workspace, rows, columns), values, sums);
  });
}

}  // namespace lacuna::cuda
