// g <- (g + c_j + (l1/M) sign(h)) A'(h), in place, and 0 for units that a top-k code did not keep; bias gradient =
// column sums of g.
//
// g, h [M, H] row-major; c [H] is the gradient of the sparsity penalty by units (KL), so that penalty, derivative of
// the activation and bias gradient are one pass of the hidden layer's backward. A' is written in terms of h. Threads:
// 32 x 8 of device/column_pass.cuh, four columns each where rows are aligned to 16 bytes; any size. Reads 2 M H floats,
// writes M H, and reads M H bits with a top-k code. Deterministic.

#include "kernels/pass_launch.h"
#include "kernels/with_activation.h"
#include "lacuna/math/penalty.h"

namespace lacuna::cuda {

namespace {

template <int kWidth, class A, bool kTopK>
struct ActivationBackwardBody {
  float* gradient;
  const float* output;
  const float* column_gradient;
  float l1;
  /// Of the row that comes next, which is kSlices further each time.
  const std::uint32_t* kept;
  std::int64_t kept_words;
  Floats<kWidth> c;
  int bit;

  static constexpr int kOperands = 2;
  struct Loaded {
    Floats<kWidth> g, h;
    std::uint32_t kept;  // bits of these columns, from the lowest on
  };

  __device__ void begin(std::int64_t column) {
    if (column_gradient) c = cuda::load<kWidth>(column_gradient + column);
    if constexpr (kTopK) {
      kept += column / 32;
      bit = static_cast<int>(column % 32);
    }
  }

  __device__ Loaded load(std::int64_t offset) {
    Loaded loaded{cuda::load<kWidth>(gradient + offset), cuda::load<kWidth>(output + offset), 0};
    if constexpr (kTopK) {
      loaded.kept = *kept >> bit;
      kept += kSlices * kept_words;
    }
    return loaded;
  }

  __device__ void apply(std::int64_t offset, const Loaded& loaded, Floats<kWidth>* sums) {
    Floats<kWidth> g = loaded.g;
    const Floats<kWidth>& h = loaded.h;
#pragma unroll
    for (int w = 0; w < kWidth; ++w) {
      g.at[w] = (g.at[w] + c.at[w] + l1 * math::L1Penalty::derivative(h.at[w])) * A::derivative(h.at[w]);
      if constexpr (kTopK) g.at[w] = loaded.kept >> w & 1u ? g.at[w] : 0.0f;
      sums[0].at[w] += g.at[w];
    }
    store<kWidth>(gradient + offset, g);
  }
};

template <int kWidth, class A, bool kTopK>
__global__ void __launch_bounds__(kPassThreads)
    activation_backward_kernel(ColumnPass pass, float* gradient, const float* output, const float* column_gradient,
                               double l1, const StepScalars* scalars, float* bias_gradient, const std::uint32_t* kept) {
  wait_for_previous();
  const float l1_of_sample = l1 != 0 ? static_cast<float>(l1 / static_cast<double>(scalars->sample_count)) : 0.0f;
  const std::int64_t kept_words = (pass.columns + 31) / 32;
  if constexpr (kTopK) kept += (blockIdx.y * pass.chunk_rows + threadIdx.y) * kept_words;
  ActivationBackwardBody<kWidth, A, kTopK> body{gradient, output, column_gradient, l1_of_sample, kept, kept_words,
                                                {},       0};
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
      constexpr int kWidth = decltype(width)::value;
      auto* kernel = p.kept ? &activation_backward_kernel<kWidth, decltype(a), true>
                            : &activation_backward_kernel<kWidth, decltype(a), false>;
      launch(kernel, pass_shape(grid, workspace), pass_over(grid, workspace, p.rows, p.columns), p.gradient, p.output,
             p.column_gradient, p.l1, p.scalars, p.bias_gradient, p.kept);
    });
  });
}

}  // namespace lacuna::cuda
