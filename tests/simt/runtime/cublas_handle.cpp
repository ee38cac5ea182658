#include "runtime/cublas_handle.h"

#include <cstdint>

#include "runtime/runtime.h"

using simt::detail::kWorkspaceAlignment;
using simt::detail::runtime;

namespace {

/// The handle's context and a place to put the answer, or what is wrong.
template <typename T, typename Get>
cublasStatus_t get(cublasHandle_t handle, T* out, Get&& read) {
  const auto context = runtime().cublas_handles.find(handle);
  if (context == nullptr) return CUBLAS_STATUS_NOT_INITIALIZED;
  if (out == nullptr) return CUBLAS_STATUS_INVALID_VALUE;
  *out = read(*context);
  return CUBLAS_STATUS_SUCCESS;
}

template <typename Change>
cublasStatus_t set(cublasHandle_t handle, bool valid, Change&& change) {
  const auto context = runtime().cublas_handles.find(handle);
  if (context == nullptr) return CUBLAS_STATUS_NOT_INITIALIZED;
  if (!valid) return CUBLAS_STATUS_INVALID_VALUE;
  change(*context);
  return CUBLAS_STATUS_SUCCESS;
}

bool is_math_mode(cublasMath_t mode) {
  switch (mode & ~CUBLAS_MATH_DISALLOW_REDUCED_PRECISION_REDUCTION) {
    case CUBLAS_DEFAULT_MATH:
    case CUBLAS_TENSOR_OP_MATH:
    case CUBLAS_PEDANTIC_MATH:
    case CUBLAS_TF32_TENSOR_OP_MATH:
      return true;
    default:
      return false;
  }
}

}  // namespace

const char* cublasGetStatusName(cublasStatus_t status) {
  switch (status) {
#define SIMT_NAME(name, value, text) \
  case name:                         \
    return #name;
    SIMT_CUBLAS_STATUSES(SIMT_NAME)
#undef SIMT_NAME
  }
  return "unrecognized status";
}

const char* cublasGetStatusString(cublasStatus_t status) {
  switch (status) {
#define SIMT_TEXT(name, value, text) \
  case name:                         \
    return text;
    SIMT_CUBLAS_STATUSES(SIMT_TEXT)
#undef SIMT_TEXT
  }
  return "unrecognized status";
}

cublasStatus_t cublasCreate(cublasHandle_t* handle) {
  const simt::detail::Turn turn;
  if (handle == nullptr) return CUBLAS_STATUS_INVALID_VALUE;
  if (runtime().errors.enter(runtime().machine) != cudaSuccess) return CUBLAS_STATUS_NOT_INITIALIZED;
  // The library allocates device memory for itself here.
  if (runtime().captures.refuse_unsafe() != cudaSuccess) return CUBLAS_STATUS_ALLOC_FAILED;
  *handle = runtime().cublas_handles.add(std::make_shared<cublasContext>());
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasDestroy(cublasHandle_t handle) {
  return runtime().cublas_handles.remove(handle) ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_NOT_INITIALIZED;
}

cublasStatus_t cublasGetVersion(cublasHandle_t, int* version) {
  if (version == nullptr) return CUBLAS_STATUS_INVALID_VALUE;
  *version = CUBLAS_VERSION;
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasSetStream(cublasHandle_t handle, cudaStream_t stream) {
  return set(handle, true, [&](cublasContext& context) {
    context.stream = stream;
    context.workspace = nullptr;
    context.workspace_bytes = 0;
  });
}

cublasStatus_t cublasGetStream(cublasHandle_t handle, cudaStream_t* stream) {
  return get(handle, stream, [](const cublasContext& context) { return context.stream; });
}

cublasStatus_t cublasSetWorkspace(cublasHandle_t handle, void* workspace, std::size_t bytes) {
  const bool aligned = reinterpret_cast<std::uintptr_t>(workspace) % kWorkspaceAlignment == 0;
  return set(handle, aligned, [&](cublasContext& context) {
    context.workspace = workspace;
    context.workspace_bytes = bytes;
  });
}

cublasStatus_t cublasSetPointerMode(cublasHandle_t handle, cublasPointerMode_t mode) {
  const bool valid = mode == CUBLAS_POINTER_MODE_HOST || mode == CUBLAS_POINTER_MODE_DEVICE;
  return set(handle, valid, [&](cublasContext& context) { context.pointer_mode = mode; });
}

cublasStatus_t cublasGetPointerMode(cublasHandle_t handle, cublasPointerMode_t* mode) {
  return get(handle, mode, [](const cublasContext& context) { return context.pointer_mode; });
}

cublasStatus_t cublasSetAtomicsMode(cublasHandle_t handle, cublasAtomicsMode_t mode) {
  const bool valid = mode == CUBLAS_ATOMICS_NOT_ALLOWED || mode == CUBLAS_ATOMICS_ALLOWED;
  return set(handle, valid, [&](cublasContext& context) { context.atomics_mode = mode; });
}

cublasStatus_t cublasGetAtomicsMode(cublasHandle_t handle, cublasAtomicsMode_t* mode) {
  return get(handle, mode, [](const cublasContext& context) { return context.atomics_mode; });
}

cublasStatus_t cublasSetMathMode(cublasHandle_t handle, cublasMath_t mode) {
  return set(handle, is_math_mode(mode), [&](cublasContext& context) { context.math_mode = mode; });
}

cublasStatus_t cublasGetMathMode(cublasHandle_t handle, cublasMath_t* mode) {
  return get(handle, mode, [](const cublasContext& context) { return context.math_mode; });
}
