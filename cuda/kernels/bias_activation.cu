// h = A(a + b), in place; column sums of h and of |h|, and on the way the sparsity penalty that is made of them.
//
// a, h [M, H] row-major, b and sums [H]. The per-unit mean activation is the column sum over M.
// Threads: 32 x 8 of device/column_pass.cuh, four columns each where rows are aligned to 16 bytes; any size.
// Reads and writes M H floats each. Deterministic: partial sums by chunks, added in fixed order.

#include "kernels/pass_launch.h"
#include "kernels/penalty_units.cuh"
#include "kernels/with_activation.h"

namespace lacuna::cuda {

namespace {

template <int kWidth, class A, bool kAbs>
struct BiasActivationBody {
  float* values;
  const float* bias;
  Floats<kWidth> b;

  static constexpr int kOperands = 1;
  using Loaded = Floats<kWidth>;

  __device__ void begin(std::int64_t column) { b = cuda::load<kWidth>(bias + column); }

  __device__ Loaded load(std::int64_t offset) const { return cuda::load<kWidth>(values + offset); }

  __device__ void apply(std::int64_t offset, Loaded v, Floats<kWidth>* sums) {
#pragma unroll
    for (int w = 0; w < kWidth; ++w) {
      v.at[w] = A::forward(v.at[w] + b.at[w]);
      sums[0].at[w] += v.at[w];
      if constexpr (kAbs) sums[1].at[w] += math::L1Penalty::value(v.at[w]);
    }
    store<kWidth>(values + offset, v);
  }
};

template <int kWidth, class A, bool kAbs>
__global__ void __launch_bounds__(kPassThreads)
    bias_activation_kernel(ColumnPass pass, float* values, const float* bias, float* sums, float* abs_sums,
                           SparsityPenaltyArgs penalty, double* partials, unsigned* counter) {
  wait_for_previous();
  BiasActivationBody<kWidth, A, kAbs> body{values, bias, {}};
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

void bias_activation(const Workspace& workspace, Activation activation, const BiasActivationArgs& p) {
  const PassGrid grid(p.rows, p.columns, common_width(p.columns, p.values, p.bias, p.column_sums, p.column_abs_sums),
                      workspace.multiprocessors);
  with_width(grid.width, [&](auto width) {
    with_activation(activation, [&](auto a) {
      constexpr int kWidth = decltype(width)::value;
      auto* kernel = p.column_abs_sums ? &bias_activation_kernel<kWidth, decltype(a), true>
                                       : &bias_activation_kernel<kWidth, decltype(a), false>;
      launch(kernel, pass_shape(grid, workspace), pass_over(grid, workspace, p.rows, p.columns), p.values, p.bias,
             p.column_sums, p.column_abs_sums, p.penalty, workspace.value_partials, value_counter(workspace));
    });
  });
}

}  // namespace lacuna::cuda
