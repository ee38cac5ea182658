#include <algorithm>
#include <cstdlib>
#include <vector>

#include "runtime/cublas_work.h"
#include "runtime/runtime.h"

using simt::detail::Element;
using simt::detail::Gemm;
using simt::detail::is_operation;
using simt::detail::runtime;
using simt::detail::Scalar;
using simt::detail::span_of;

namespace {

/// A vector of cuBLAS: with a negative increment the first element is the last in memory.
struct Strided {
  float* base = nullptr;
  std::int64_t count = 0, increment = 1;

  std::int64_t position(std::int64_t i) const { return increment > 0 ? i * increment : (i - count + 1) * increment; }
  void require(const char* name) const {
    const std::int64_t floats = (count - 1) * std::abs(increment) + 1;
    runtime().memory.require(base, static_cast<std::size_t>(floats) * sizeof(float), name);
  }
  std::vector<float> gathered() const {
    std::vector<float> values(static_cast<std::size_t>(count));
    for (std::int64_t i = 0; i < count; ++i) values[static_cast<std::size_t>(i)] = base[position(i)];
    return values;
  }
};

}  // namespace

cublasStatus_t cublasSgemv(cublasHandle_t handle, cublasOperation_t trans, int m, int n, const float* alpha_pointer,
                           const float* a, int lda, const float* x, int incx, const float* beta_pointer, float* y,
                           int incy) {
  const auto context = runtime().cublas_handles.find(handle);
  if (context == nullptr) return CUBLAS_STATUS_NOT_INITIALIZED;
  if (!is_operation(trans) || m < 0 || n < 0 || lda < std::max(1, m) || incx == 0 || incy == 0 ||
      alpha_pointer == nullptr || beta_pointer == nullptr) {
    return CUBLAS_STATUS_INVALID_VALUE;
  }
  if (m == 0 || n == 0) return CUBLAS_STATUS_SUCCESS;
  const bool transposed = trans != CUBLAS_OP_N;
  const Strided input{const_cast<float*>(x), transposed ? m : n, incx};
  const Strided output{y, transposed ? n : m, incy};
  const Scalar alpha(alpha_pointer, context->pointer_mode);
  const Scalar beta(beta_pointer, context->pointer_mode);
  return simt::detail::submit(*context, [=] {
    Gemm gemm;
    gemm.m = output.count;
    gemm.n = 1;
    gemm.k = input.count;
    gemm.alpha = alpha.read("alpha");
    gemm.a = {a, lda, transposed, Element::f32};
    output.require("y of a matrix-vector product");
    require(span_of(gemm.a, gemm.m, gemm.k), "A of a matrix-vector product");
    input.require("x of a matrix-vector product");
    const std::vector<float> values = input.gathered();
    std::vector<float> product(static_cast<std::size_t>(output.count));
    gemm.b = {values.data(), gemm.k, false, Element::f32};
    gemm.c = product.data();
    gemm.ldc = gemm.m;
    simt::detail::multiply(gemm);
    const float scale = beta.read("beta");
    for (std::int64_t i = 0; i < output.count; ++i) {
      float& to = y[output.position(i)];
      to = product[static_cast<std::size_t>(i)] + (scale == 0 ? 0.0F : scale * to);
    }
  });
}
