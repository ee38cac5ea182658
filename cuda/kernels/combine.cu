// y_i = sum_v c_v x_v,i, in double, rounded once.
//
// Up to 480 vectors of n elements; c in device memory. y may be one of the vectors: an element is read before it is
// written. Threads: 256, four elements each where all vectors are aligned to 16 bytes; any size. Reads n floats of each
// vector, writes n. Deterministic.

#include "device/vector.cuh"
#include "kernels/pass_launch.h"
#include "kernels/vector_list.h"

namespace lacuna::cuda {

namespace {

constexpr int kThreads = 256;

template <int kWidth>
__global__ void __launch_bounds__(kThreads)
    combine_kernel(VectorList vectors, int count, const double* coefficients, std::int64_t elements, float* output) {
  const std::int64_t i = (std::int64_t{blockIdx.x} * kThreads + threadIdx.x) * kWidth;
  if (i >= elements) return;
  double sums[kWidth] = {};
  for (int v = 0; v < count; ++v) {
    const double coefficient = coefficients[v];
    const Floats<kWidth> x = load<kWidth>(vectors.at[v] + i);
#pragma unroll
    for (int w = 0; w < kWidth; ++w) sums[w] += coefficient * static_cast<double>(x.at[w]);
  }
  Floats<kWidth> y;
#pragma unroll
  for (int w = 0; w < kWidth; ++w) y.at[w] = static_cast<float>(sums[w]);
  store<kWidth>(output + i, y);
}

}  // namespace

void combine(const Workspace& workspace, const CombineArgs& p) {
  int width = common_width(p.elements, p.output);
  for (const float* vector : p.vectors) width = std::min(width, common_width(p.elements, vector));
  with_width(width, [&](auto w) {
    constexpr int kWidth = decltype(w)::value;
    const std::int64_t blocks = (p.elements + kThreads * kWidth - 1) / (kThreads * kWidth);
    launch(&combine_kernel<kWidth>, LaunchShape(static_cast<unsigned>(blocks), kThreads, 0, workspace.stream),
           vector_list(p.vectors), static_cast<int>(p.vectors.size()), p.coefficients, p.elements, p.output);
  });
}

}  // namespace lacuna::cuda
