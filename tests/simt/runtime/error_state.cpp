#include "runtime/error_state.h"

#include "runtime/runtime.h"

namespace simt::detail {
namespace {

constexpr int kRuntimeVersion = CUDART_VERSION;

/// Counts down; true when it was at 0 already.
bool runs_out(std::optional<std::uint64_t>& left) {
  if (!left) return false;
  if (*left > 0) {
    --*left;
    return false;
  }
  left.reset();
  return true;
}

}  // namespace

cudaError_t ErrorState::enter(const Machine& machine) {
  if (in_host_function) return cudaErrorNotPermitted;
  if (machine.driver_version < kRuntimeVersion) return cudaErrorInsufficientDriver;
  if (machine.devices == 0) return cudaErrorNoDevice;
  if (runs_out(calls_left_)) sticky_ = cudaErrorLaunchFailure;
  return sticky_;
}

cudaError_t ErrorState::leave(cudaError_t result) {
  if (sticky_ != cudaSuccess) return sticky_;
  if (result != cudaSuccess) last_ = result;
  return result;
}

cudaError_t ErrorState::take() {
  if (sticky_ != cudaSuccess) return sticky_;
  const cudaError_t error = last_;
  last_ = cudaSuccess;
  return error;
}

bool ErrorState::loses_device_now() {
  if (runs_out(work_left_)) sticky_ = cudaErrorLaunchFailure;
  return lost();
}

bool ErrorState::fails_allocation_now() {
  if (!allocations_left_ || --*allocations_left_ > 0) return false;
  allocations_left_.reset();
  return true;
}

}  // namespace simt::detail

using simt::detail::runtime;

cudaError_t cudaGetLastError() {
  const simt::detail::Turn turn;
  return runtime().errors.take();
}

cudaError_t cudaPeekAtLastError() {
  const simt::detail::Turn turn;
  return runtime().errors.peek();
}

const char* cudaGetErrorName(cudaError_t error) {
  switch (error) {
#define SIMT_NAME(name, value, text) \
  case name:                         \
    return #name;
    SIMT_CUDA_ERRORS(SIMT_NAME)
#undef SIMT_NAME
  }
  return "unrecognized error code";
}

const char* cudaGetErrorString(cudaError_t error) {
  switch (error) {
#define SIMT_TEXT(name, value, text) \
  case name:                         \
    return text;
    SIMT_CUDA_ERRORS(SIMT_TEXT)
#undef SIMT_TEXT
  }
  return "unrecognized error code";
}
