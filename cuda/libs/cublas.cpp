#include "libs/cublas.h"

#include <fmt/format.h>

#include <string_view>

#include "lacuna/error.h"

namespace lacuna::cuda {

namespace {

/// What NVIDIA recommends for Hopper; older devices need 4 MiB. Its own, because a workspace that cuBLAS allocates by
/// itself would grow with every captured graph.
constexpr std::int64_t kWorkspaceBytes = std::int64_t{32} << 20;

cublasOperation_t operation(Transpose transpose) {
  return transpose == Transpose::yes ? CUBLAS_OP_T : CUBLAS_OP_N;
}

}  // namespace

void check(cublasStatus_t status, const char* call, const char* file, int line) {
  if (status == CUBLAS_STATUS_SUCCESS) return;
  const std::string_view text = call, path = file;
  std::string room;
  if (status == CUBLAS_STATUS_ALLOC_FAILED) {
    const MemoryInfo memory = memory_info();
    room = fmt::format("; {} of GPU memory are free of {}", readable_bytes(memory.free), readable_bytes(memory.total));
  }
  throw Error(fmt::format("{} failed: {} at {}:{}{}", text.substr(0, text.find('(')), cublasGetStatusString(status),
                          path.substr(path.rfind('/') + 1), line, room));
}

Cublas::Cublas(cudaStream_t stream, Precision precision)
    : stream_(stream), precision_(precision), workspace_(kWorkspaceBytes, "the workspace of cuBLAS") {
  cublasHandle_t handle = nullptr;
  LACUNA_CUBLAS(cublasCreate(&handle));
  handle_ = Handle<cublasHandle_t, cublasDestroy>(handle);
  LACUNA_CUBLAS(cublasSetStream(handle, stream));
  // After the stream: setting that resets the workspace.
  LACUNA_CUBLAS(cublasSetWorkspace(handle, workspace_.get(), static_cast<std::size_t>(kWorkspaceBytes)));
  LACUNA_CUBLAS(
      cublasSetMathMode(handle, precision == Precision::tf32 ? CUBLAS_TF32_TENSOR_OP_MATH : CUBLAS_DEFAULT_MATH));
}

void Cublas::gemm_row_major(Transpose transpose_a, Transpose transpose_b, std::int64_t m, std::int64_t n,
                            std::int64_t k, const float* a, const float* b, float* c, bool accumulate) const {
  const float one = 1, beta = accumulate ? 1 : 0;
  const std::int64_t lda = transpose_a == Transpose::yes ? m : k, ldb = transpose_b == Transpose::yes ? k : n;
  // Read column by column, a row-major matrix is its transpose: Cᵀ = op(B)ᵀ op(A)ᵀ.
  LACUNA_CUBLAS(cublasSgemm_64(handle_.get(), operation(transpose_b), operation(transpose_a), n, m, k, &one, b, ldb, a,
                               lda, &beta, c, n));
}

void Cublas::gemm_row_major(Transpose transpose_a, Transpose transpose_b, std::int64_t m, std::int64_t n,
                            std::int64_t k, const std::uint16_t* a, const std::uint16_t* b, float* c,
                            bool accumulate) const {
  const float one = 1, beta = accumulate ? 1 : 0;
  const std::int64_t lda = transpose_a == Transpose::yes ? m : k, ldb = transpose_b == Transpose::yes ? k : n;
  LACUNA_CUBLAS(cublasGemmEx_64(handle_.get(), operation(transpose_b), operation(transpose_a), n, m, k, &one, b,
                                CUDA_R_16BF, ldb, a, CUDA_R_16BF, lda, &beta, c, CUDA_R_32F, n, CUBLAS_COMPUTE_32F,
                                CUBLAS_GEMM_DEFAULT));
}

}  // namespace lacuna::cuda
