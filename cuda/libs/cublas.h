#pragma once

#include <cublas_v2.h>

#include <cstdint>

#include "runtime/handle.h"
#include "runtime/memory.h"

namespace lacuna::cuda {

/// Throws Error naming call, file and line unless `status` is success.
void check(cublasStatus_t status, const char* call, const char* file, int line);

enum class Transpose : bool { no, yes };

/// A cuBLAS handle on one stream, in full float32: no TF32. All matrix products go through here.
class Cublas {
 public:
  explicit Cublas(cudaStream_t stream);

  /// C [m, n] = op(A) op(B), all row-major and dense: A is [m, k], or [k, m] where transposed; B is [k, n], or [n, k].
  void gemm_row_major(Transpose transpose_a, Transpose transpose_b, std::int64_t m, std::int64_t n, std::int64_t k,
                      const float* a, const float* b, float* c) const;

 private:
  DeviceMemory workspace_;
  Handle<cublasHandle_t, cublasDestroy> handle_;
};

}  // namespace lacuna::cuda

#define LACUNA_CUBLAS(call) ::lacuna::cuda::check((call), #call, __FILE__, __LINE__)
