#include <algorithm>

#include "runtime/runtime.h"

using simt::detail::call;
using simt::detail::find_stream;
using simt::detail::runtime;

namespace {

constexpr int kLeastPriority = 0;
constexpr int kGreatestPriority = -5;

bool created_by_program(cudaStream_t handle) {
  return handle != nullptr && handle != cudaStreamLegacy && handle != cudaStreamPerThread;
}

/// What waiting for the stream or asking for its state is refused with.
cudaError_t refuse_wait(const CUstream_st& stream) {
  if (stream.legacy) return runtime().captures.refuse_legacy();
  return runtime().captures.refuse_wait(stream);
}

template <typename T, typename Get>
cudaError_t query_property(cudaStream_t handle, T* out, Get&& get) {
  return call([&]() -> cudaError_t {
    const CUstream_st* stream = find_stream(handle);
    if (stream == nullptr) return cudaErrorInvalidResourceHandle;
    if (out == nullptr) return cudaErrorInvalidValue;
    *out = get(*stream);
    return cudaSuccess;
  });
}

}  // namespace

cudaError_t cudaDeviceGetStreamPriorityRange(int* least, int* greatest) {
  return call([&]() -> cudaError_t {
    if (least != nullptr) *least = kLeastPriority;
    if (greatest != nullptr) *greatest = kGreatestPriority;
    return cudaSuccess;
  });
}

cudaError_t cudaStreamCreate(cudaStream_t* stream) {
  return cudaStreamCreateWithFlags(stream, cudaStreamDefault);
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned int flags) {
  return cudaStreamCreateWithPriority(stream, flags, kLeastPriority);
}

cudaError_t cudaStreamCreateWithPriority(cudaStream_t* stream, unsigned int flags, int priority) {
  return call([&]() -> cudaError_t {
    if (stream == nullptr || flags > cudaStreamNonBlocking) return cudaErrorInvalidValue;
    const int clamped = std::min(std::max(priority, kGreatestPriority), kLeastPriority);
    *stream = runtime().scheduler.create(flags, clamped, runtime().device);
    return cudaSuccess;
  });
}

cudaError_t cudaStreamDestroy(cudaStream_t handle) {
  return call([&]() -> cudaError_t {
    CUstream_st* stream = find_stream(handle);
    if (stream == nullptr || !created_by_program(handle)) return cudaErrorInvalidResourceHandle;
    if (const cudaError_t refused = refuse_wait(*stream); refused != cudaSuccess) return refused;
    runtime().scheduler.destroy(*stream);
    return cudaSuccess;
  });
}

cudaError_t cudaStreamSynchronize(cudaStream_t handle) {
  return call([&]() -> cudaError_t {
    CUstream_st* stream = find_stream(handle);
    if (stream == nullptr) return cudaErrorInvalidResourceHandle;
    if (const cudaError_t refused = refuse_wait(*stream); refused != cudaSuccess) return refused;
    ++runtime().counters.synchronisations;
    runtime().scheduler.finish(*stream);
    return cudaSuccess;
  });
}

cudaError_t cudaStreamQuery(cudaStream_t handle) {
  return call([&]() -> cudaError_t {
    CUstream_st* stream = find_stream(handle);
    if (stream == nullptr) return cudaErrorInvalidResourceHandle;
    if (const cudaError_t refused = refuse_wait(*stream); refused != cudaSuccess) return refused;
    if (stream->queue.empty()) return cudaSuccess;
    runtime().scheduler.advance(*stream);
    return cudaErrorNotReady;
  });
}

cudaError_t cudaStreamWaitEvent(cudaStream_t handle, cudaEvent_t event_handle, unsigned int flags) {
  return call([&]() -> cudaError_t {
    CUstream_st* stream = find_stream(handle);
    const auto event = runtime().events.find(event_handle);
    if (stream == nullptr || event == nullptr) return cudaErrorInvalidResourceHandle;
    if (flags == cudaEventWaitExternal) return cudaErrorNotSupported;
    if (flags != cudaEventWaitDefault) return cudaErrorInvalidValue;
    if (stream->capture != nullptr || event->capture != nullptr) return simt::detail::wait_captured(*stream, *event);
    if (stream->legacy) {
      if (const cudaError_t refused = runtime().captures.refuse_legacy(); refused != cudaSuccess) return refused;
    }
    if (event->ticket != nullptr && !event->ticket->done) runtime().scheduler.enqueue(*stream, {}, {event->ticket});
    return cudaSuccess;
  });
}

cudaError_t cudaStreamGetFlags(cudaStream_t stream, unsigned int* flags) {
  return query_property(stream, flags, [](const CUstream_st& s) { return s.flags; });
}

cudaError_t cudaStreamGetPriority(cudaStream_t stream, int* priority) {
  return query_property(stream, priority, [](const CUstream_st& s) { return s.priority; });
}

cudaError_t cudaStreamGetId(cudaStream_t stream, unsigned long long* id) {
  return query_property(stream, id, [](const CUstream_st& s) { return s.id; });
}

cudaError_t cudaStreamGetDevice(cudaStream_t stream, int* device) {
  return query_property(stream, device, [](const CUstream_st& s) { return s.device; });
}

cudaError_t cudaLaunchHostFunc(cudaStream_t stream, cudaHostFn_t function, void* user_data) {
  return call([&]() -> cudaError_t {
    if (function == nullptr) return cudaErrorInvalidValue;
    simt::detail::Work work;
    work.type = cudaGraphNodeTypeHost;
    work.cost.host_functions = 1;
    work.action = [function, user_data] {
      const simt::detail::HostFunctionScope scope(runtime());
      function(user_data);
    };
    return simt::detail::submit(stream, std::move(work));
  });
}
