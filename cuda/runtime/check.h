#pragma once

#include <cuda_runtime_api.h>

namespace lacuna::cuda {

/// Throws Error naming call, file and line unless `status` is cudaSuccess. The error is taken off the runtime's record,
/// so that a later, unrelated check does not meet it again; errors that destroy the context stay with every call.
void check(cudaError_t status, const char* call, const char* file, int line);

/// For destructors: a driver that is being unloaded, or a context that is gone, is no news there.
void ignore(cudaError_t status) noexcept;

}  // namespace lacuna::cuda

#define LACUNA_CUDA(call) ::lacuna::cuda::check((call), #call, __FILE__, __LINE__)
