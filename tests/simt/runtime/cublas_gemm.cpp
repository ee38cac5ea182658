#include <algorithm>

#include "runtime/cublas_work.h"
#include "runtime/runtime.h"

using simt::detail::bytes_of;
using simt::detail::Element;
using simt::detail::element_of;
using simt::detail::Gemm;
using simt::detail::is_element;
using simt::detail::is_operation;
using simt::detail::Rounding;
using simt::detail::runtime;
using simt::detail::Scalar;

namespace {

/// Every form of the matrix product comes down to this.
struct Request {
  cublasOperation_t transa, transb;
  std::int64_t m, n, k;
  const void* alpha;
  const void* a;
  std::int64_t lda;
  const void* b;
  std::int64_t ldb;
  const void* beta;
  void* c;
  std::int64_t ldc;
  Element operands = Element::f32, result = Element::f32;
  Rounding rounding = Rounding::none;
  std::int64_t stride_a = 0, stride_b = 0, stride_c = 0, batch = 1;
};

bool is_valid(const Request& request) {
  if (!is_operation(request.transa) || !is_operation(request.transb)) return false;
  if (request.m < 0 || request.n < 0 || request.k < 0 || request.batch < 0) return false;
  const std::int64_t rows_a = request.transa == CUBLAS_OP_N ? request.m : request.k;
  const std::int64_t rows_b = request.transb == CUBLAS_OP_N ? request.k : request.n;
  const std::int64_t one = 1;
  if (request.lda < std::max(one, rows_a) || request.ldb < std::max(one, rows_b)) return false;
  if (request.ldc < std::max(one, request.m)) return false;
  return request.alpha != nullptr && request.beta != nullptr;
}

const void* offset(const void* base, std::int64_t elements, Element element) {
  return static_cast<const char*>(base) + elements * bytes_of(element);
}

Gemm product(const Request& request, std::int64_t index) {
  Gemm gemm;
  gemm.m = request.m;
  gemm.n = request.n;
  gemm.k = request.k;
  gemm.a = {offset(request.a, index * request.stride_a, request.operands), request.lda, request.transa != CUBLAS_OP_N,
            request.operands};
  gemm.b = {offset(request.b, index * request.stride_b, request.operands), request.ldb, request.transb != CUBLAS_OP_N,
            request.operands};
  gemm.c = const_cast<void*>(offset(request.c, index * request.stride_c, request.result));
  gemm.ldc = request.ldc;
  gemm.c_element = request.result;
  gemm.rounding = request.rounding;
  return gemm;
}

cublasStatus_t run_request(cublasHandle_t handle, Request request) {
  const auto context = runtime().cublas_handles.find(handle);
  if (context == nullptr) return CUBLAS_STATUS_NOT_INITIALIZED;
  if (!is_valid(request)) return CUBLAS_STATUS_INVALID_VALUE;
  if (request.m == 0 || request.n == 0 || request.batch == 0) return CUBLAS_STATUS_SUCCESS;
  if (context->math_mode == CUBLAS_TF32_TENSOR_OP_MATH && request.rounding == Rounding::none) {
    request.rounding = Rounding::tf32;
  }
  const Scalar alpha(request.alpha, context->pointer_mode);
  const Scalar beta(request.beta, context->pointer_mode);
  return simt::detail::submit(*context, [request, alpha, beta] {
    for (std::int64_t i = 0; i < request.batch; ++i) {
      Gemm gemm = product(request, i);
      gemm.alpha = alpha.read("alpha");
      gemm.beta = beta.read("beta");
      check_operands(gemm);
      simt::detail::multiply(gemm);
    }
  });
}

}  // namespace

cublasStatus_t cublasSgemm(cublasHandle_t handle, cublasOperation_t transa, cublasOperation_t transb, int m, int n,
                           int k, const float* alpha, const float* a, int lda, const float* b, int ldb,
                           const float* beta, float* c, int ldc) {
  return cublasSgemm_64(handle, transa, transb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}

cublasStatus_t cublasSgemm_64(cublasHandle_t handle, cublasOperation_t transa, cublasOperation_t transb, std::int64_t m,
                              std::int64_t n, std::int64_t k, const float* alpha, const float* a, std::int64_t lda,
                              const float* b, std::int64_t ldb, const float* beta, float* c, std::int64_t ldc) {
  return run_request(handle, {transa, transb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc});
}

cublasStatus_t cublasSgemmStridedBatched(cublasHandle_t handle, cublasOperation_t transa, cublasOperation_t transb,
                                         int m, int n, int k, const float* alpha, const float* a, int lda,
                                         long long int stride_a, const float* b, int ldb, long long int stride_b,
                                         const float* beta, float* c, int ldc, long long int stride_c, int batch) {
  Request request{transa, transb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc};
  request.stride_a = stride_a;
  request.stride_b = stride_b;
  request.stride_c = stride_c;
  request.batch = batch;
  return run_request(handle, request);
}

cublasStatus_t cublasGemmEx(cublasHandle_t handle, cublasOperation_t transa, cublasOperation_t transb, int m, int n,
                            int k, const void* alpha, const void* a, cudaDataType a_type, int lda, const void* b,
                            cudaDataType b_type, int ldb, const void* beta, void* c, cudaDataType c_type, int ldc,
                            cublasComputeType_t compute, cublasGemmAlgo_t algorithm) {
  return cublasGemmEx_64(handle, transa, transb, m, n, k, alpha, a, a_type, lda, b, b_type, ldb, beta, c, c_type, ldc,
                         compute, algorithm);
}

cublasStatus_t cublasGemmEx_64(cublasHandle_t handle, cublasOperation_t transa, cublasOperation_t transb,
                               std::int64_t m, std::int64_t n, std::int64_t k, const void* alpha, const void* a,
                               cudaDataType a_type, std::int64_t lda, const void* b, cudaDataType b_type,
                               std::int64_t ldb, const void* beta, void* c, cudaDataType c_type, std::int64_t ldc,
                               cublasComputeType_t compute, cublasGemmAlgo_t) {
  if (runtime().cublas_handles.find(handle) == nullptr) return CUBLAS_STATUS_NOT_INITIALIZED;
  if (!is_element(a_type) || a_type != b_type || !is_element(c_type)) return CUBLAS_STATUS_NOT_SUPPORTED;
  if (c_type == CUDA_R_16BF && a_type != CUDA_R_16BF) return CUBLAS_STATUS_NOT_SUPPORTED;
  Request request{transa, transb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc, element_of(a_type), element_of(c_type)};
  switch (compute) {
    case CUBLAS_COMPUTE_32F:
    case CUBLAS_COMPUTE_32F_PEDANTIC:
      break;
    case CUBLAS_COMPUTE_32F_FAST_TF32:
      request.rounding = Rounding::tf32;
      break;
    case CUBLAS_COMPUTE_32F_FAST_16BF:
      request.rounding = Rounding::bf16;
      break;
    default:
      return CUBLAS_STATUS_NOT_SUPPORTED;
  }
  return run_request(handle, request);
}
