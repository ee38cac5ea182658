#pragma once

#include <cstddef>
#include <cstdint>

#include "runtime/cublas_api.h"

struct cublasContext {
  cudaStream_t stream = nullptr;
  void* workspace = nullptr;  ///< null: the library's own
  std::size_t workspace_bytes = 0;
  cublasPointerMode_t pointer_mode = CUBLAS_POINTER_MODE_HOST;
  cublasAtomicsMode_t atomics_mode = CUBLAS_ATOMICS_NOT_ALLOWED;
  cublasMath_t math_mode = CUBLAS_DEFAULT_MATH;
};

namespace simt::detail {

constexpr std::uintptr_t kWorkspaceAlignment = 256;

}  // namespace simt::detail
