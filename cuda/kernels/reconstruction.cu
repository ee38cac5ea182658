// y = A(a + b); R = s sum L(x, y); delta = s dL/da; bias gradient = column sums of delta, in one pass.
//
// a, x, delta, y [M, D] row-major; s is 1, 1/M or 1/(M D) by the reduction, M from device memory. delta and y may take
// the place of a: each element is read before it is written. bce reads the logit a + b, so that it never overflows.
// Threads: 32 x 8 of device/column_pass.cuh, four columns each where rows are aligned to 16 bytes; any size.
// Reads 2 M D floats and writes M D for each of delta and y. Deterministic.

#include "kernels/pass_launch.h"
#include "kernels/with_activation.h"
#include "lacuna/math/loss.h"

namespace lacuna::cuda {

namespace {

struct Operands {
  const float* product;
  const float* bias;
  const float* target;
  float* delta;
  float* output;
};

/// Float sums of a value are carried over so many rows only, then added in double.
constexpr int kValueRows = 16;

template <int kWidth, class L, class A>
struct ReconstructionBody {
  Operands p;
  float scale;
  Floats<kWidth> b;
  float value = 0;
  int value_rows = 0;
  double total = 0;

  static constexpr int kOperands = 2;
  struct Loaded {
    Floats<kWidth> product, x;
  };

  __device__ void begin(std::int64_t column) { b = cuda::load<kWidth>(p.bias + column); }

  __device__ Loaded load(std::int64_t offset) const {
    return {cuda::load<kWidth>(p.product + offset), cuda::load<kWidth>(p.target + offset)};
  }

  __device__ void apply(std::int64_t offset, const Loaded& loaded, Floats<kWidth>* sums) {
    const auto& [product, x] = loaded;
    Floats<kWidth> y, delta;
#pragma unroll
    for (int w = 0; w < kWidth; ++w) {
      const float a = product.at[w] + b.at[w];
      y.at[w] = A::forward(a);
      value += L::value(x.at[w], y.at[w], a);
      delta.at[w] = scale * L::template delta<A>(x.at[w], y.at[w]);
      sums[0].at[w] += delta.at[w];
    }
    if (p.delta) store<kWidth>(p.delta + offset, delta);
    if (p.output) store<kWidth>(p.output + offset, y);
    if (++value_rows == kValueRows) flush();
  }

  __device__ void flush() {
    total += static_cast<double>(value);
    value = 0;
    value_rows = 0;
  }
};

template <int kWidth, class L, class A>
__global__ void __launch_bounds__(kPassThreads, kResidentBlocks)
    reconstruction_kernel(ColumnPass pass, Operands operands, Reduction reduction, const StepScalars* scalars,
                          float* bias_gradient, double* value, double* value_partials, unsigned* value_counter) {
  wait_for_previous();
  double scale = 1.0;
  if (reduction != Reduction::sum) scale /= static_cast<double>(scalars->sample_count);
  if (reduction == Reduction::element) scale /= static_cast<double>(pass.columns);
  ReconstructionBody<kWidth, L, A> body{operands, static_cast<float>(scale), {}};
  float* const results[1] = {bias_gradient};
  column_pass<kWidth>(pass, body, results);
  body.flush();
  if (grid_sum(body.total, value_partials, value_counter) && threadIdx.x == 0 && threadIdx.y == 0)
    *value = scale * body.total;
}

}  // namespace

void reconstruction(const Workspace& workspace, Loss loss, Activation activation, const ReconstructionArgs& p) {
  const PassGrid grid(p.rows, p.columns,
                      common_width(p.columns, p.product, p.bias, p.target, p.delta, p.output, p.bias_gradient),
                      workspace.multiprocessors);
  const auto run = [&](auto* kernel) {
    launch(kernel, pass_shape(grid, workspace), pass_over(grid, workspace, p.rows, p.columns),
           Operands{p.product, p.bias, p.target, p.delta, p.output}, p.reduction, p.scalars,
           p.delta ? p.bias_gradient : nullptr, p.value, workspace.value_partials, value_counter(workspace));
  };
  with_width(grid.width, [&](auto width) {
    constexpr int kWidth = decltype(width)::value;
    if (loss == Loss::bce) return run(&reconstruction_kernel<kWidth, math::BceLoss, math::Sigmoid>);
    with_activation(activation, [&](auto a) {
      if (loss == Loss::squared)
        run(&reconstruction_kernel<kWidth, math::SquaredLoss, decltype(a)>);
      else
        run(&reconstruction_kernel<kWidth, math::HalfSquaredLoss, decltype(a)>);
    });
  });
}

}  // namespace lacuna::cuda
