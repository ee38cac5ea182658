#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "runtime/api.h"
#include "runtime/capture.h"
#include "runtime/control.h"
#include "runtime/error_state.h"
#include "runtime/memory_table.h"
#include "runtime/scheduler.h"
#include "runtime/work.h"

struct CUevent_st {
  unsigned flags = 0;
  simt::detail::TicketPtr ticket;                  ///< of the last record; null before the first
  std::shared_ptr<simt::detail::Capture> capture;  ///< the capture it was last recorded in, if any
  std::vector<cudaGraphNode_t> tail;               ///< and what the stream had captured by then
};

struct cublasContext;
struct cublasLtContext;
struct cublasLtMatmulDescStruct;
struct cublasLtMatrixLayoutStruct;
struct cublasLtMatmulPreferenceStruct;
struct cudnnContext;
struct cudnnTensorStruct;
struct cudnnFilterStruct;
struct cudnnConvolutionStruct;

namespace simt::detail {

/// Held by whatever looks at the runtime: the program may call it from several threads, which take turns here, also
/// while a kernel runs. A call may lead to others.
class Turn {
 public:
  Turn() : lock_(mutex()) {}

 private:
  static std::recursive_mutex& mutex() {
    static auto& one = *new std::recursive_mutex;  // as the runtime, never destroyed
    return one;
  }
  std::lock_guard<std::recursive_mutex> lock_;
};

/// Objects that the program holds by address. An address is never given out twice, so that one which the program uses
/// after it destroyed the object is always found out.
template <typename T>
class Registry {
 public:
  T* add(std::shared_ptr<T> object) {
    const Turn turn;
    T* handle = object.get();
    objects_.emplace(handle, std::move(object));
    return handle;
  }
  std::shared_ptr<T> find(const T* handle) const {
    const Turn turn;
    const auto found = objects_.find(handle);
    return found == objects_.end() ? nullptr : found->second;
  }
  bool remove(const T* handle) {
    const Turn turn;
    const auto found = objects_.find(handle);
    if (found == objects_.end()) return false;
    *found->second = T{};
    retired_.push_back(std::move(found->second));
    objects_.erase(found);
    return true;
  }
  void clear() {
    while (size() > 0) remove(objects_.begin()->first);
  }
  std::size_t size() const { return objects_.size(); }

 private:
  std::unordered_map<const T*, std::shared_ptr<T>> objects_;
  std::vector<std::shared_ptr<T>> retired_;
};

/// Everything that this runtime knows.
struct Runtime {
  Machine machine;
  int device = 0;
  Counters counters;
  ErrorState errors;
  MemoryTable memory;
  Captures captures;
  Scheduler scheduler;
  Registry<CUevent_st> events;
  Registry<CUgraph_st> graphs;
  Registry<CUgraphExec_st> execs;
  Registry<cublasContext> cublas_handles;
  Registry<cublasLtContext> cublas_lt_handles;
  Registry<cublasLtMatmulDescStruct> cublas_lt_operations;
  Registry<cublasLtMatrixLayoutStruct> cublas_lt_layouts;
  Registry<cublasLtMatmulPreferenceStruct> cublas_lt_preferences;
  Registry<cudnnContext> cudnn_handles;
  Registry<cudnnTensorStruct> cudnn_tensors;
  Registry<cudnnFilterStruct> cudnn_filters;
  Registry<cudnnConvolutionStruct> cudnn_convolutions;
  std::unordered_map<const void*, int> dynamic_shared_limits;  ///< by kernel

  /// Waits, then forgets whatever the program holds; of all devices, since most programs use one.
  void reset_device();
};

Runtime& runtime();

/// Every call that needs the device goes through here: failures that were asked for and sticky errors first, then the
/// call itself; its result becomes the last error.
template <typename Body>
cudaError_t call(Body&& body) {
  const Turn turn;
  ++runtime().counters.calls;
  const cudaError_t refused = runtime().errors.enter(runtime().machine);
  return runtime().errors.leave(refused != cudaSuccess ? refused : body());
}

/// The stream behind a handle, of the current device where it is a default stream; or null.
inline CUstream_st* find_stream(cudaStream_t handle) {
  return runtime().scheduler.find(handle, runtime().device);
}

/// Queues work in a stream or, while that is captured, adds it to the capture's graph. `ticket` receives the work's
/// ticket if it was queued.
cudaError_t submit(cudaStream_t stream, Work work, TicketPtr* ticket = nullptr);

/// While a host function runs, calls of the runtime are refused.
class HostFunctionScope {
 public:
  explicit HostFunctionScope(Runtime& rt) : rt_(rt) { rt_.errors.in_host_function = true; }
  ~HostFunctionScope() { rt_.errors.in_host_function = false; }
  HostFunctionScope(const HostFunctionScope&) = delete;
  HostFunctionScope& operator=(const HostFunctionScope&) = delete;

 private:
  Runtime& rt_;
};

/// Runs one piece of work that a lost device does not run.
void run_unless_lost(const std::function<void()>& action);

}  // namespace simt::detail
