// sums_j = sum_i v_ij, and of |v_ij|: the bias gradient of a delta that is there already, and the sums of a k-sparse
// code with the penalty that is made of them.
//
// v [M, N] row-major. Where a kernel makes the values itself, it sums them in the same pass; this is for the others.
// Threads: 32 x 8 of device/column_pass.cuh, four columns each where rows are aligned to 16 bytes; any size.
// Reads M N floats. Deterministic.

#include "kernels/pass_launch.h"
#include "kernels/penalty_units.cuh"

namespace lacuna::cuda {

namespace {

template <int kWidth, bool kAbs>
struct ColumnSumsBody {
  const float* values;

  static constexpr int kOperands = 1;
  using Loaded = Floats<kWidth>;

  __device__ void begin(std::int64_t) {}
  __device__ Loaded load(std::int64_t offset) const { return cuda::load<kWidth>(values + offset); }
  __device__ void apply(std::int64_t, const Loaded& v, Floats<kWidth>* sums) {
#pragma unroll
    for (int w = 0; w < kWidth; ++w) {
      sums[0].at[w] += v.at[w];
      if constexpr (kAbs) sums[1].at[w] += math::L1Penalty::value(v.at[w]);
    }
  }
};

template <int kWidth, bool kAbs>
__global__ void __launch_bounds__(kPassThreads)
    column_sums_kernel(ColumnPass pass, const float* values, float* sums, float* abs_sums, SparsityPenaltyArgs penalty,
                       double* partials, unsigned* counter) {
  wait_for_previous();
  ColumnSumsBody<kWidth, kAbs> body{values};
  bool summed;
  if constexpr (kAbs) {
    float* const results[2] = {sums, abs_sums};
    summed = column_pass<kWidth>(pass, body, results);
  } else {
    float* const results[1] = {sums};
    summed = column_pass<kWidth>(pass, body, results);
  }
  if (penalty.value && summed) penalty_of_tile<kWidth>(penalty, partials, counter);
}

}  // namespace

void column_sums(const Workspace& workspace, const ColumnSumsArgs& p) {
  const PassGrid grid(p.rows, p.columns, common_width(p.columns, p.values, p.sums, p.abs_sums),
                      workspace.multiprocessors);
  with_width(grid.width, [&](auto width) {
    constexpr int kWidth = decltype(width)::value;
    auto* kernel = p.abs_sums ? &column_sums_kernel<kWidth, true> : &column_sums_kernel<kWidth, false>;
    launch(kernel, pass_shape(grid, workspace), pass_over(grid, workspace, p.rows, p.columns), p.values, p.sums,
           p.abs_sums, p.penalty, workspace.value_partials, value_counter(workspace));
  });
}

}  // namespace lacuna::cuda
