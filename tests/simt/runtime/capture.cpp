#include "runtime/capture.h"

#include <algorithm>

#include "runtime/graph.h"
#include "runtime/runtime.h"

namespace simt::detail {
namespace {

/// Everything that these nodes come after, themselves included.
std::vector<bool> reached_from(const CUgraph_st& graph, const std::vector<cudaGraphNode_t>& tail) {
  std::vector<bool> reached(graph.nodes.size(), false);
  std::vector<cudaGraphNode_t> open = tail;
  while (!open.empty()) {
    const cudaGraphNode_t node = open.back();
    open.pop_back();
    if (reached[node->index]) continue;
    reached[node->index] = true;
    open.insert(open.end(), node->after.begin(), node->after.end());
  }
  return reached;
}

bool joined(const Capture& capture) {
  const std::vector<bool> reached = reached_from(*capture.graph, capture.origin->tail);
  return std::find(reached.begin(), reached.end(), false) == reached.end();
}

/// Work in the legacy default stream would wait for the capture's blocking streams.
bool stops_legacy_stream(const Capture& capture) {
  return std::any_of(capture.streams.begin(), capture.streams.end(),
                     [](const CUstream_st* stream) { return stream->blocking(); });
}

/// Whether the next node comes after nothing but a kernel of the same stream.
bool follows_own_kernel(const CUstream_st& stream) {
  return stream.tail.size() == 1 && stream.tail.front()->stream == &stream &&
         stream.tail.front()->work.type == cudaGraphNodeTypeKernel;
}

void add_to_tail(CUstream_st& stream, const std::vector<cudaGraphNode_t>& nodes) {
  for (const cudaGraphNode_t node : nodes) {
    if (std::find(stream.tail.begin(), stream.tail.end(), node) == stream.tail.end()) stream.tail.push_back(node);
  }
}

}  // namespace

std::shared_ptr<Capture> Captures::begin(CUstream_st& origin, cudaStreamCaptureMode mode) {
  auto capture = std::make_shared<Capture>();
  capture->id = next_id_++;
  capture->mode = mode;
  capture->origin = &origin;
  capture->graph = std::make_shared<CUgraph_st>();
  active_.push_back(capture);
  join(origin, capture, {});
  return capture;
}

void Captures::end(Capture& capture) {
  capture.ended = true;
  for (CUstream_st* stream : capture.streams) {
    stream->capture.reset();
    stream->tail.clear();
  }
  std::erase_if(active_, [&](const auto& active) { return active.get() == &capture; });
}

void Captures::join(CUstream_st& stream, const std::shared_ptr<Capture>& capture,
                    const std::vector<cudaGraphNode_t>& nodes) {
  if (stream.capture == nullptr) {
    stream.capture = capture;
    capture->streams.push_back(&stream);
  }
  add_to_tail(stream, nodes);
}

template <typename Condition>
cudaError_t Captures::refuse(cudaError_t error, Condition&& breaks) {
  bool refused = false;
  for (const auto& capture : active_) {
    if (!breaks(*capture)) continue;
    capture->invalidated = true;
    refused = true;
  }
  return refused ? error : cudaSuccess;
}

cudaError_t Captures::refuse_unsafe() {
  return refuse(cudaErrorStreamCaptureUnsupported,
                [](const Capture& capture) { return capture.mode != cudaStreamCaptureModeRelaxed; });
}

cudaError_t Captures::refuse_device_wait() {
  return refuse(cudaErrorStreamCaptureUnsupported, [](const Capture&) { return true; });
}

cudaError_t Captures::refuse_wait(const CUstream_st& stream) {
  return refuse(cudaErrorStreamCaptureUnsupported,
                [&](const Capture& capture) { return stream.capture.get() == &capture; });
}

cudaError_t Captures::refuse_legacy() {
  return refuse(cudaErrorStreamCaptureImplicit, stops_legacy_stream);
}

bool Captures::legacy_would_wait() const {
  return std::any_of(active_.begin(), active_.end(), [](const auto& capture) { return stops_legacy_stream(*capture); });
}

cudaError_t record(CUstream_st& stream, Work work) {
  Capture& capture = *stream.capture;
  if (capture.invalidated) return cudaErrorStreamCaptureInvalidated;
  const bool programmatic = work.begin != nullptr;
  if (programmatic && !follows_own_kernel(stream)) return cudaErrorNotSupported;
  auto node = std::make_shared<CUgraphNode_st>();
  node->work = std::move(work);
  node->after = stream.tail;
  node->stream = &stream;
  if (programmatic) stream.tail.front()->overlapping = node.get();
  node->index = capture.graph->nodes.size();
  stream.tail = {node.get()};
  capture.graph->nodes.push_back(std::move(node));
  return cudaSuccess;
}

cudaError_t wait_captured(CUstream_st& stream, const CUevent_st& event) {
  if (stream.capture != nullptr && stream.capture->invalidated) return cudaErrorStreamCaptureInvalidated;
  if (event.capture == nullptr) {
    if (event.ticket == nullptr) return cudaSuccess;
    stream.capture->invalidated = true;
    return cudaErrorStreamCaptureIsolation;
  }
  if (event.capture->ended) {
    if (stream.capture != nullptr) stream.capture->invalidated = true;
    return cudaErrorCapturedEvent;
  }
  if (event.capture->invalidated) return cudaErrorStreamCaptureInvalidated;
  if (stream.capture != nullptr && stream.capture != event.capture) {
    stream.capture->invalidated = true;
    event.capture->invalidated = true;
    return cudaErrorStreamCaptureMerge;
  }
  if (stream.legacy) {
    event.capture->invalidated = true;
    return cudaErrorStreamCaptureImplicit;
  }
  runtime().captures.join(stream, event.capture, event.tail);
  return cudaSuccess;
}

}  // namespace simt::detail

using simt::detail::call;
using simt::detail::Capture;
using simt::detail::find_stream;
using simt::detail::runtime;

namespace {

cudaStreamCaptureStatus status_of(const CUstream_st& stream) {
  if (stream.capture == nullptr) return cudaStreamCaptureStatusNone;
  return stream.capture->invalidated ? cudaStreamCaptureStatusInvalidated : cudaStreamCaptureStatusActive;
}

}  // namespace

cudaError_t cudaStreamBeginCapture(cudaStream_t handle, cudaStreamCaptureMode mode) {
  return call([&]() -> cudaError_t {
    CUstream_st* stream = find_stream(handle);
    if (stream == nullptr) return cudaErrorInvalidResourceHandle;
    if (stream->legacy) return cudaErrorStreamCaptureUnsupported;
    if (stream->capture != nullptr) return cudaErrorIllegalState;
    if (mode < cudaStreamCaptureModeGlobal || mode > cudaStreamCaptureModeRelaxed) return cudaErrorInvalidValue;
    runtime().captures.begin(*stream, mode);
    return cudaSuccess;
  });
}

cudaError_t cudaStreamEndCapture(cudaStream_t handle, cudaGraph_t* graph) {
  return call([&]() -> cudaError_t {
    CUstream_st* stream = find_stream(handle);
    if (stream == nullptr) return cudaErrorInvalidResourceHandle;
    if (graph == nullptr) return cudaErrorInvalidValue;
    *graph = nullptr;
    if (stream->capture == nullptr) return cudaErrorIllegalState;
    const std::shared_ptr<Capture> capture = stream->capture;
    if (capture->origin != stream) {
      capture->invalidated = true;
      return cudaErrorStreamCaptureUnmatched;
    }
    const bool complete = capture->invalidated || simt::detail::joined(*capture);
    runtime().captures.end(*capture);
    if (capture->invalidated) return cudaErrorStreamCaptureInvalidated;
    if (!complete) return cudaErrorStreamCaptureUnjoined;
    *graph = runtime().graphs.add(capture->graph);
    return cudaSuccess;
  });
}

cudaError_t cudaStreamIsCapturing(cudaStream_t stream, cudaStreamCaptureStatus* status) {
  return cudaStreamGetCaptureInfo(stream, status);
}

cudaError_t cudaStreamGetCaptureInfo(cudaStream_t handle, cudaStreamCaptureStatus* status, unsigned long long* id,
                                     cudaGraph_t* graph, const cudaGraphNode_t** dependencies,
                                     const cudaGraphEdgeData** edge_data, std::size_t* dependency_count) {
  return call([&]() -> cudaError_t {
    const CUstream_st* stream = find_stream(handle);
    if (stream == nullptr) return cudaErrorInvalidResourceHandle;
    if (status == nullptr || (edge_data != nullptr && dependencies == nullptr)) return cudaErrorInvalidValue;
    if (stream->legacy && runtime().captures.legacy_would_wait()) return cudaErrorStreamCaptureImplicit;
    *status = status_of(*stream);
    if (*status != cudaStreamCaptureStatusActive) return cudaSuccess;
    if (id != nullptr) *id = stream->capture->id;
    if (graph != nullptr) *graph = stream->capture->graph.get();
    if (dependencies != nullptr) *dependencies = stream->tail.data();
    if (edge_data != nullptr) *edge_data = nullptr;
    if (dependency_count != nullptr) *dependency_count = stream->tail.size();
    return cudaSuccess;
  });
}
