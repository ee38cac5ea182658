// g <- (g + c_j + (l1/M) sign(h)) A'(h), in place; bias gradient = column sums of g.
//
// g, h [M, H] row-major; c [H] is the gradient of the sparsity penalty by units (KL), so that penalty, derivative of
// the activation and bias gradient are one pass of the hidden layer's backward. A' is written in terms of h. Threads:
// 32 x 8 of device/column_pass.cuh, four columns each where rows are aligned to 16 bytes; any size. Reads 2 M H floats,
// writes M H. Deterministic.

#include "kernels/pass_launch.h"
#include "kernels/with_activation.h"
#include "lacuna/math/penalty.h"

namespace lacuna::cuda {

namespace {

template <int kWidth, class A>
struct ActivationBackwardBody {
  float* gradient;
  const float* output;
  const float* column_gradient;
  float l1;
  Floats<kWidth> c;

  __device__ void begin(std::int64_t column) {
    if (column_gradient) c = load<kWidth>(column_gradient + column);
  }

  __device__ void element(std::int64_t offset, Floats<kWidth>* sums) {
    Floats<kWidth> g = load<kWidth>(gradient + offset);
    const Floats<kWidth> h = load<kWidth>(output + offset);
#pragma unroll
    for (int w = 0; w < kWidth; ++w) {
      g.at[w] = (g.at[w] + c.at[w] + l1 * math::L1Penalty::derivative(h.at[w])) * A::derivative(h.at[w]);
      sums[0].at[w] += g.at[w];
    }
    store<kWidth>(gradient + offset, g);
  }
};

template <int kWidth, class A>
__global__ void __launch_bounds__(kPassThreads)
    activation_backward_kernel(ColumnPass pass, float* gradient, const float* output, const float* column_gradient,
                               double l1, const StepScalars* scalars, float* bias_gradient) {
  const float l1_of_sample = l1 != 0 ? static_cast<float>(l1 / static_cast<double>(scalars->sample_count)) : 0.0f;
  ActivationBackwardBody<kWidth, A> body{gradient, output, column_gradient, l1_of_sample, {}};
  float* const results[1] = {bias_gradient};
  column_pass<kWidth>(pass, body, results);
}

}  // namespace

void activation_backward(const Workspace& workspace, Activation activation, const ActivationBackwardArgs& p) {
  const PassGrid grid(p.rows, p.columns,
                      common_width(p.columns, p.gradient, p.output, p.column_gradient, p.bias_gradient),
                      workspace.multiprocessors);
  with_width(grid.width, [&](auto width) {
    with_activation(activation, [&](auto a) {
      launch(&activation_backward_kernel<decltype(width)::value, decltype(a)>, pass_shape(grid, workspace.stream),
             pass_over(grid, workspace, p.rows, p.columns), p.gradient, p.output, p.column_gradient, p.l1, p.scalars,
             p.bias_gradient);
    });
  });
}

}  // namespace lacuna::cuda
