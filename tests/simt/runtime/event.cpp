#include <chrono>

#include "runtime/runtime.h"

using simt::detail::call;
using simt::detail::runtime;
using simt::detail::Ticket;

namespace {

constexpr unsigned kEventFlags = cudaEventBlockingSync | cudaEventDisableTiming;

/// What waiting for the event or asking for its state is refused with.
cudaError_t refuse_wait(const CUevent_st& event) {
  if (event.capture != nullptr) {
    event.capture->invalidated = true;
    return cudaErrorCapturedEvent;
  }
  return runtime().captures.refuse_unsafe();
}

}  // namespace

cudaError_t cudaEventCreate(cudaEvent_t* event) {
  return cudaEventCreateWithFlags(event, cudaEventDefault);
}

cudaError_t cudaEventCreate(cudaEvent_t* event, unsigned int flags) {
  return cudaEventCreateWithFlags(event, flags);
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned int flags) {
  return call([&]() -> cudaError_t {
    if (event == nullptr || (flags & ~kEventFlags) != 0) return cudaErrorInvalidValue;
    auto created = std::make_shared<CUevent_st>();
    created->flags = flags;
    *event = runtime().events.add(std::move(created));
    return cudaSuccess;
  });
}

cudaError_t cudaEventDestroy(cudaEvent_t event) {
  return call(
      [&]() -> cudaError_t { return runtime().events.remove(event) ? cudaSuccess : cudaErrorInvalidResourceHandle; });
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  return cudaEventRecordWithFlags(event, stream, cudaEventRecordDefault);
}

cudaError_t cudaEventRecordWithFlags(cudaEvent_t handle, cudaStream_t stream_handle, unsigned int flags) {
  return call([&]() -> cudaError_t {
    CUstream_st* stream = runtime().scheduler.find(stream_handle, runtime().device);
    const auto event = runtime().events.find(handle);
    if (stream == nullptr || event == nullptr) return cudaErrorInvalidResourceHandle;
    if (flags == cudaEventRecordExternal) return cudaErrorNotSupported;
    if (flags != cudaEventRecordDefault) return cudaErrorInvalidValue;
    if (stream->legacy) {
      if (const cudaError_t refused = runtime().captures.refuse_legacy(); refused != cudaSuccess) return refused;
    }
    if (stream->capture != nullptr && stream->capture->invalidated) return cudaErrorStreamCaptureInvalidated;
    event->capture = stream->capture;
    event->tail = stream->tail;
    event->ticket = stream->capture != nullptr ? nullptr : runtime().scheduler.enqueue(*stream, {});
    return cudaSuccess;
  });
}

cudaError_t cudaEventQuery(cudaEvent_t handle) {
  return call([&]() -> cudaError_t {
    const auto event = runtime().events.find(handle);
    if (event == nullptr) return cudaErrorInvalidResourceHandle;
    if (const cudaError_t refused = refuse_wait(*event); refused != cudaSuccess) return refused;
    if (event->ticket == nullptr || event->ticket->done) return cudaSuccess;
    runtime().scheduler.advance(*event->ticket->stream);
    return cudaErrorNotReady;
  });
}

cudaError_t cudaEventSynchronize(cudaEvent_t handle) {
  return call([&]() -> cudaError_t {
    const auto event = runtime().events.find(handle);
    if (event == nullptr) return cudaErrorInvalidResourceHandle;
    if (const cudaError_t refused = refuse_wait(*event); refused != cudaSuccess) return refused;
    ++runtime().counters.synchronisations;
    if (event->ticket != nullptr) runtime().scheduler.finish(event->ticket);
    return cudaSuccess;
  });
}

cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t start_handle, cudaEvent_t end_handle) {
  return call([&]() -> cudaError_t {
    const auto start = runtime().events.find(start_handle);
    const auto end = runtime().events.find(end_handle);
    if (milliseconds == nullptr) return cudaErrorInvalidValue;
    if (start == nullptr || end == nullptr) return cudaErrorInvalidResourceHandle;
    if (start->capture != nullptr || end->capture != nullptr) return cudaErrorCapturedEvent;
    if (((start->flags | end->flags) & cudaEventDisableTiming) != 0) return cudaErrorInvalidResourceHandle;
    if (start->ticket == nullptr || end->ticket == nullptr) return cudaErrorInvalidResourceHandle;
    if (!start->ticket->done || !end->ticket->done) return cudaErrorNotReady;
    *milliseconds = std::chrono::duration<float, std::milli>(end->ticket->when - start->ticket->when).count();
    return cudaSuccess;
  });
}
