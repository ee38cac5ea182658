#pragma once

#include <cstdint>
#include <optional>

#include "runtime/control.h"
#include "runtime/errors.h"

namespace simt::detail {

/// The last error, the sticky one, and the failures that a test has asked for.
class ErrorState {
 public:
  /// What a call that needs the device meets before it does anything.
  cudaError_t enter(const Machine& machine);
  /// Remembers a call's result for cudaGetLastError, and returns it (or the sticky error).
  cudaError_t leave(cudaError_t result);
  cudaError_t take();
  cudaError_t peek() const { return sticky_ != cudaSuccess ? sticky_ : last_; }

  /// True once nothing runs on the device any more.
  bool lost() const { return sticky_ != cudaSuccess; }
  /// Asked before each piece of work; true: the device is lost now.
  bool loses_device_now();
  bool fails_allocation_now();

  void fail_allocation(std::uint64_t nth) { allocations_left_ = nth; }
  void lose_after_work(std::uint64_t count) { work_left_ = count; }
  void lose_after_calls(std::uint64_t count) { calls_left_ = count; }

  bool in_host_function = false;

 private:
  cudaError_t last_ = cudaSuccess;
  cudaError_t sticky_ = cudaSuccess;
  std::optional<std::uint64_t> allocations_left_, work_left_, calls_left_;
};

}  // namespace simt::detail
