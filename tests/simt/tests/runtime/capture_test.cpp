#include "support.h"

namespace simt_test {
namespace {

class Capture : public RuntimeTest {
 protected:
  cudaStream_t begin(cudaStreamCaptureMode mode = cudaStreamCaptureModeGlobal, unsigned flags = cudaStreamNonBlocking) {
    stream_ = new_stream(flags);
    EXPECT_EQ(cudaStreamBeginCapture(stream_, mode), cudaSuccess);
    return stream_;
  }
  cudaStreamCaptureStatus status() {
    cudaStreamCaptureStatus now = cudaStreamCaptureStatusNone;
    EXPECT_EQ(cudaStreamIsCapturing(stream_, &now), cudaSuccess);
    return now;
  }
  cudaError_t end() { return cudaStreamEndCapture(stream_, &graph_); }

  /// What an illegal call must leave behind: a capture that yields nothing, and a stream that works again.
  void expect_invalidated() {
    EXPECT_EQ(status(), cudaStreamCaptureStatusInvalidated);
    EXPECT_EQ(add(values_, 1, 1, stream_), cudaErrorStreamCaptureInvalidated);
    graph_ = reinterpret_cast<cudaGraph_t>(8);
    EXPECT_EQ(end(), cudaErrorStreamCaptureInvalidated);
    EXPECT_EQ(graph_, nullptr);
    EXPECT_EQ(status(), cudaStreamCaptureStatusNone);
    EXPECT_EQ(add(values_, 1, 1, stream_), cudaSuccess);
  }
  void expect_untouched() {
    EXPECT_EQ(status(), cudaStreamCaptureStatusActive);
    EXPECT_EQ(end(), cudaSuccess);
    EXPECT_NE(graph_, nullptr);
  }

  float* values_ = device_floats(4);
  float* pinned_ = pinned_floats(4);
  cudaEvent_t event_ = new_event();
  cudaStream_t other_ = new_stream();
  cudaStream_t stream_ = nullptr;
  cudaGraph_t graph_ = nullptr;
};

TEST_F(Capture, RunsNothingAndCountsNothing) {
  begin();
  simt::reset_counters();
  ASSERT_EQ(add(values_, 1, 1, stream_), cudaSuccess);
  ASSERT_EQ(cudaMemsetAsync(values_, 1, 4, stream_), cudaSuccess);
  ASSERT_EQ(end(), cudaSuccess);
  EXPECT_EQ(first_of(values_), 0);
  EXPECT_EQ(simt::counters().launches, 0U);
  EXPECT_EQ(simt::counters().memsets, 0U);
}

TEST_F(Capture, TellsItsStatus) {
  begin();
  cudaStreamCaptureStatus now = cudaStreamCaptureStatusNone;
  unsigned long long id = 0;
  cudaGraph_t graph = nullptr;
  const cudaGraphNode_t* dependencies = nullptr;
  std::size_t count = 99;
  ASSERT_EQ(cudaStreamGetCaptureInfo(stream_, &now, &id, &graph, &dependencies, nullptr, &count), cudaSuccess);
  EXPECT_EQ(now, cudaStreamCaptureStatusActive);
  EXPECT_NE(id, 0U);
  EXPECT_EQ(count, 0U);
  ASSERT_EQ(add(values_, 1, 1, stream_), cudaSuccess);
  ASSERT_EQ(cudaStreamGetCaptureInfo(stream_, &now, nullptr, nullptr, &dependencies, nullptr, &count), cudaSuccess);
  ASSERT_EQ(count, 1U);
  cudaGraphNodeType type = cudaGraphNodeTypeEmpty;
  ASSERT_EQ(cudaGraphNodeGetType(dependencies[0], &type), cudaSuccess);
  EXPECT_EQ(type, cudaGraphNodeTypeKernel);
  ASSERT_EQ(cudaStreamIsCapturing(other_, &now), cudaSuccess);
  EXPECT_EQ(now, cudaStreamCaptureStatusNone);
  ASSERT_EQ(end(), cudaSuccess);
  EXPECT_EQ(graph, graph_);
  EXPECT_EQ(status(), cudaStreamCaptureStatusNone);
}

TEST_F(Capture, BeginsAndEndsOnceAndInItsStream) {
  EXPECT_EQ(cudaStreamBeginCapture(nullptr, cudaStreamCaptureModeGlobal), cudaErrorStreamCaptureUnsupported);
  EXPECT_EQ(cudaStreamBeginCapture(cudaStreamLegacy, cudaStreamCaptureModeRelaxed), cudaErrorStreamCaptureUnsupported);
  EXPECT_EQ(cudaStreamBeginCapture(other_, static_cast<cudaStreamCaptureMode>(3)), cudaErrorInvalidValue);
  EXPECT_EQ(cudaStreamEndCapture(other_, &graph_), cudaErrorIllegalState);
  begin();
  EXPECT_EQ(cudaStreamBeginCapture(stream_, cudaStreamCaptureModeGlobal), cudaErrorIllegalState);
  expect_untouched();
  EXPECT_EQ(end(), cudaErrorIllegalState);
}

TEST_F(Capture, RefusesToSynchroniseItsStream) {
  begin();
  EXPECT_EQ(cudaStreamSynchronize(stream_), cudaErrorStreamCaptureUnsupported);
  expect_invalidated();
}

TEST_F(Capture, RefusesToAskForItsStreamsState) {
  begin(cudaStreamCaptureModeRelaxed);
  EXPECT_EQ(cudaStreamQuery(stream_), cudaErrorStreamCaptureUnsupported);
  expect_invalidated();
}

TEST_F(Capture, RefusesToSynchroniseTheDeviceInEveryMode) {
  for (const auto mode :
       {cudaStreamCaptureModeGlobal, cudaStreamCaptureModeThreadLocal, cudaStreamCaptureModeRelaxed}) {
    begin(mode);
    EXPECT_EQ(cudaDeviceSynchronize(), cudaErrorStreamCaptureUnsupported);
    expect_invalidated();
  }
}

TEST_F(Capture, LetsOtherStreamsBeSynchronised) {
  begin();
  EXPECT_EQ(add(values_, 1, 1, other_), cudaSuccess);
  EXPECT_EQ(cudaStreamSynchronize(other_), cudaSuccess);
  expect_untouched();
}

TEST_F(Capture, RefusesAllocationExceptInRelaxedMode) {
  void* pointer = nullptr;
  for (const auto mode : {cudaStreamCaptureModeGlobal, cudaStreamCaptureModeThreadLocal}) {
    begin(mode);
    EXPECT_EQ(cudaMalloc(&pointer, 4), cudaErrorStreamCaptureUnsupported);
    expect_invalidated();
    begin(mode);
    EXPECT_EQ(cudaFree(values_), cudaErrorStreamCaptureUnsupported);
    expect_invalidated();
    begin(mode);
    EXPECT_EQ(cudaMallocHost(&pointer, 4), cudaErrorStreamCaptureUnsupported);
    expect_invalidated();
    begin(mode);
    EXPECT_EQ(cudaFreeHost(pinned_), cudaErrorStreamCaptureUnsupported);
    expect_invalidated();
  }
  begin(cudaStreamCaptureModeRelaxed);
  EXPECT_EQ(cudaMalloc(&pointer, 4), cudaSuccess);
  EXPECT_EQ(cudaFree(pointer), cudaSuccess);
  expect_untouched();
}

TEST_F(Capture, RefusesStreamOrderedMemory) {
  void* pointer = nullptr;
  begin(cudaStreamCaptureModeRelaxed);
  EXPECT_EQ(cudaMallocAsync(&pointer, 4, stream_), cudaErrorStreamCaptureUnsupported);
  expect_invalidated();
}

TEST_F(Capture, RefusesABlockingCopyExceptInRelaxedMode) {
  float value = 0;
  for (const auto mode : {cudaStreamCaptureModeGlobal, cudaStreamCaptureModeThreadLocal}) {
    begin(mode);
    EXPECT_EQ(cudaMemcpy(&value, values_, 4, cudaMemcpyDeviceToHost), cudaErrorStreamCaptureUnsupported);
    expect_invalidated();
  }
  begin(cudaStreamCaptureModeRelaxed);
  EXPECT_EQ(cudaMemcpy(&value, values_, 4, cudaMemcpyDeviceToHost), cudaSuccess);
  expect_untouched();
}

TEST_F(Capture, RefusesTheLegacyStreamWhileABlockingStreamIsCaptured) {
  begin(cudaStreamCaptureModeRelaxed, cudaStreamDefault);
  EXPECT_EQ(add(values_, 1, 1, nullptr), cudaErrorStreamCaptureImplicit);
  expect_invalidated();
  begin(cudaStreamCaptureModeRelaxed, cudaStreamDefault);
  float value = 0;
  EXPECT_EQ(cudaMemcpy(&value, values_, 4, cudaMemcpyDeviceToHost), cudaErrorStreamCaptureImplicit);
  expect_invalidated();
  begin(cudaStreamCaptureModeRelaxed, cudaStreamDefault);
  EXPECT_EQ(cudaEventRecord(event_, nullptr), cudaErrorStreamCaptureImplicit);
  expect_invalidated();
  begin(cudaStreamCaptureModeRelaxed, cudaStreamDefault);
  cudaStreamCaptureStatus now = cudaStreamCaptureStatusNone;
  EXPECT_EQ(cudaStreamIsCapturing(nullptr, &now), cudaErrorStreamCaptureImplicit);
  expect_untouched();
  begin(cudaStreamCaptureModeRelaxed, cudaStreamNonBlocking);
  EXPECT_EQ(add(values_, 1, 1, nullptr), cudaSuccess);
  expect_untouched();
}

TEST_F(Capture, RefusesToAskForEvents) {
  begin();
  EXPECT_EQ(cudaEventQuery(event_), cudaErrorStreamCaptureUnsupported);
  expect_invalidated();
  begin(cudaStreamCaptureModeRelaxed);
  EXPECT_EQ(cudaEventQuery(event_), cudaSuccess);
  ASSERT_EQ(cudaEventRecord(event_, stream_), cudaSuccess);
  EXPECT_EQ(cudaEventQuery(event_), cudaErrorCapturedEvent);
  expect_invalidated();
  begin(cudaStreamCaptureModeRelaxed);
  ASSERT_EQ(cudaEventRecord(event_, stream_), cudaSuccess);
  EXPECT_EQ(cudaEventSynchronize(event_), cudaErrorCapturedEvent);
  expect_invalidated();
}

TEST_F(Capture, LeavesItsEventsUselessOutside) {
  begin();
  ASSERT_EQ(cudaEventRecord(event_, stream_), cudaSuccess);
  expect_untouched();
  float milliseconds = 0;
  EXPECT_EQ(cudaEventSynchronize(event_), cudaErrorCapturedEvent);
  EXPECT_EQ(cudaEventElapsedTime(&milliseconds, event_, event_), cudaErrorCapturedEvent);
  EXPECT_EQ(cudaStreamWaitEvent(other_, event_), cudaErrorCapturedEvent);
  ASSERT_EQ(cudaEventRecord(event_, other_), cudaSuccess);
  EXPECT_EQ(cudaEventSynchronize(event_), cudaSuccess);
}

TEST_F(Capture, RefusesAForkThatIsNotJoined) {
  begin();
  ASSERT_EQ(cudaEventRecord(event_, stream_), cudaSuccess);
  ASSERT_EQ(cudaStreamWaitEvent(other_, event_), cudaSuccess);
  ASSERT_EQ(add(values_, 1, 1, other_), cudaSuccess);
  ASSERT_EQ(add(values_, 1, 1, stream_), cudaSuccess);
  EXPECT_EQ(end(), cudaErrorStreamCaptureUnjoined);
  EXPECT_EQ(graph_, nullptr);
  EXPECT_EQ(status(), cudaStreamCaptureStatusNone);
  EXPECT_EQ(cudaStreamSynchronize(other_), cudaSuccess) << "the fork is out of the capture too";
}

TEST_F(Capture, TakesAForkThatIsJoined) {
  begin();
  const cudaEvent_t back = new_event();
  ASSERT_EQ(add(values_, 1, 1, stream_), cudaSuccess);
  ASSERT_EQ(cudaEventRecord(event_, stream_), cudaSuccess);
  ASSERT_EQ(cudaStreamWaitEvent(other_, event_), cudaSuccess);
  cudaStreamCaptureStatus now = cudaStreamCaptureStatusNone;
  ASSERT_EQ(cudaStreamIsCapturing(other_, &now), cudaSuccess);
  EXPECT_EQ(now, cudaStreamCaptureStatusActive);
  ASSERT_EQ(add(values_, 1, 1, other_), cudaSuccess);
  ASSERT_EQ(cudaEventRecord(back, other_), cudaSuccess);
  ASSERT_EQ(cudaStreamWaitEvent(stream_, back), cudaSuccess);
  EXPECT_EQ(end(), cudaSuccess);
  EXPECT_EQ(first_of(values_), 0);
}

TEST_F(Capture, EndsOnlyWhereItBegan) {
  begin();
  ASSERT_EQ(cudaEventRecord(event_, stream_), cudaSuccess);
  ASSERT_EQ(cudaStreamWaitEvent(other_, event_), cudaSuccess);
  EXPECT_EQ(cudaStreamEndCapture(other_, &graph_), cudaErrorStreamCaptureUnmatched);
  expect_invalidated();
}

TEST_F(Capture, RefusesToWaitForWorkOutside) {
  ASSERT_EQ(cudaEventRecord(event_, other_), cudaSuccess);
  begin();
  EXPECT_EQ(cudaStreamWaitEvent(stream_, event_), cudaErrorStreamCaptureIsolation);
  expect_invalidated();
}

TEST_F(Capture, RefusesToMergeWithAnother) {
  ASSERT_EQ(cudaStreamBeginCapture(other_, cudaStreamCaptureModeGlobal), cudaSuccess);
  ASSERT_EQ(cudaEventRecord(event_, other_), cudaSuccess);
  begin();
  EXPECT_EQ(cudaStreamWaitEvent(stream_, event_), cudaErrorStreamCaptureMerge);
  expect_invalidated();
  EXPECT_EQ(cudaStreamEndCapture(other_, &graph_), cudaErrorStreamCaptureInvalidated);
}

TEST_F(Capture, RefusesToDestroyItsStream) {
  begin();
  EXPECT_EQ(cudaStreamDestroy(stream_), cudaErrorStreamCaptureUnsupported);
  expect_invalidated();
}

TEST_F(Capture, RefusesAGraphLaunch) {
  begin();
  ASSERT_EQ(add(values_, 1, 1, stream_), cudaSuccess);
  ASSERT_EQ(end(), cudaSuccess);
  cudaGraphExec_t exec = nullptr;
  ASSERT_EQ(cudaGraphInstantiate(&exec, graph_), cudaSuccess);
  begin();
  EXPECT_EQ(cudaGraphLaunch(exec, stream_), cudaErrorStreamCaptureUnsupported);
  expect_invalidated();
}

TEST_F(Capture, RefusesABadLaunchWithoutHarm) {
  begin();
  cudaLaunchConfig_t config = config_for(1, stream_);
  config.blockDim = dim3(0);
  EXPECT_EQ(cudaLaunchKernelEx(&config, add_kernel, values_, 1.0F, 1), cudaErrorInvalidConfiguration);
  expect_untouched();
}

}  // namespace
}  // namespace simt_test
