#pragma once

#include <memory>
#include <vector>

#include "runtime/api.h"

namespace simt::detail {

struct Work;

/// A capture under way, from cudaStreamBeginCapture to cudaStreamEndCapture.
struct Capture {
  unsigned long long id = 0;
  cudaStreamCaptureMode mode = cudaStreamCaptureModeGlobal;
  CUstream_st* origin = nullptr;
  std::vector<CUstream_st*> streams;  ///< the origin and every stream that an event made join
  std::shared_ptr<CUgraph_st> graph;
  bool invalidated = false;
  bool ended = false;
};

/// The captures under way, and what may not be done meanwhile. Whatever is refused here invalidates the captures that
/// it would have broken.
class Captures {
 public:
  std::shared_ptr<Capture> begin(CUstream_st& origin, cudaStreamCaptureMode mode);
  /// Takes the streams out of the capture.
  void end(Capture& capture);
  /// Makes the stream part of the capture, behind these nodes.
  void join(CUstream_st& stream, const std::shared_ptr<Capture>& capture, const std::vector<cudaGraphNode_t>& nodes);

  /// Allocation and other calls that a capture cannot stand except in relaxed mode.
  cudaError_t refuse_unsafe();
  /// Waiting for the whole device.
  cudaError_t refuse_device_wait();
  /// Waiting for a stream, asking for its state, or destroying it.
  cudaError_t refuse_wait(const CUstream_st& stream);
  /// Work in the legacy default stream, which would wait for every blocking stream.
  cudaError_t refuse_legacy();
  /// As refuse_legacy, but invalidates nothing: for questions.
  bool legacy_would_wait() const;

 private:
  template <typename Condition>
  cudaError_t refuse(cudaError_t error, Condition&& breaks);

  std::vector<std::shared_ptr<Capture>> active_;
  unsigned long long next_id_ = 1;
};

/// Adds a node behind what the stream has captured so far.
cudaError_t record(CUstream_st& stream, Work work);
/// cudaStreamWaitEvent where the stream or the event is part of a capture.
cudaError_t wait_captured(CUstream_st& stream, const CUevent_st& event);

}  // namespace simt::detail
