#pragma once

#include <cublas_v2.h>

#include <cstdint>

#include "lacuna/backend.h"
#include "runtime/handle.h"
#include "runtime/memory.h"

namespace lacuna::cuda {

/// Throws Error naming call, file and line unless `status` is success.
void check(cublasStatus_t status, const char* call, const char* file, int line);

enum class Transpose : bool { no, yes };

/// A cuBLAS handle on one stream. Matrix products go through here: of float32 operands in full float32 or, with
/// Precision::tf32, on tensor cores that round them to TF32.
class Cublas {
 public:
  Cublas(cudaStream_t stream, Precision precision);

  /// C [m, n] = op(A) op(B), all row-major and dense: A is [m, k], or [k, m] where transposed; B is [k, n], or [n, k].
  /// With `accumulate` the product is added to C.
  void gemm_row_major(Transpose transpose_a, Transpose transpose_b, std::int64_t m, std::int64_t n, std::int64_t k,
                      const float* a, const float* b, float* c, bool accumulate = false) const;
  /// The same of bfloat16 operands; sums and C are float32.
  void gemm_row_major(Transpose transpose_a, Transpose transpose_b, std::int64_t m, std::int64_t n, std::int64_t k,
                      const std::uint16_t* a, const std::uint16_t* b, float* c, bool accumulate = false) const;

  Precision precision() const { return precision_; }
  cudaStream_t stream() const { return stream_; }
  /// For whatever else of the library runs on the stream: products take turns in it.
  const DeviceMemory& workspace() const { return workspace_; }

 private:
  cudaStream_t stream_;
  Precision precision_;
  DeviceMemory workspace_;
  Handle<cublasHandle_t, cublasDestroy> handle_;
};

}  // namespace lacuna::cuda

#define LACUNA_CUBLAS(call) ::lacuna::cuda::check((call), #call, __FILE__, __LINE__)
