#include "support.h"

namespace simt_test {
namespace {

class Stream : public RuntimeTest {};

/// What the consumer sees of a value that another stream produces: 1 if it came in time.
float consumed(unsigned seed, bool with_event) {
  simt::reset();
  simt::set_execution(simt::Execution::deferred, seed);
  const cudaStream_t producer = new_stream();
  const cudaStream_t consumer = new_stream();
  const cudaEvent_t produced = new_event(cudaEventDisableTiming);
  float* value = device_floats(1, 0);
  float* seen = device_floats(1, -1);
  EXPECT_EQ(cudaDeviceSynchronize(), cudaSuccess);
  EXPECT_EQ(add(value, 1, 1, producer), cudaSuccess);
  if (with_event) {
    EXPECT_EQ(cudaEventRecord(produced, producer), cudaSuccess);
    EXPECT_EQ(cudaStreamWaitEvent(consumer, produced), cudaSuccess);
  }
  EXPECT_EQ(copy(seen, value, 1, consumer), cudaSuccess);
  EXPECT_EQ(cudaStreamSynchronize(consumer), cudaSuccess);
  return first_of(seen);
}

TEST_F(Stream, WithoutAnEventOneOfTwoSeedsShowsTheMissingOrder) {
  EXPECT_EQ(consumed(0, false) + consumed(1, false), 1);
}

TEST_F(Stream, AnEventOrdersTwoStreamsWithEverySeed) {
  EXPECT_EQ(consumed(0, true), 1);
  EXPECT_EQ(consumed(1, true), 1);
}

TEST_F(Stream, OrdersItsOwnWork) {
  for (const unsigned seed : {0U, 1U}) {
    simt::reset();
    simt::set_execution(simt::Execution::deferred, seed);
    const cudaStream_t stream = new_stream();
    float* first = device_floats(4, 1);
    float* second = device_floats(4, 0);
    ASSERT_EQ(add(first, 2, 4, stream), cudaSuccess);
    ASSERT_EQ(copy(second, first, 4, stream), cudaSuccess);
    ASSERT_EQ(add(first, 10, 4, stream), cudaSuccess);
    ASSERT_EQ(cudaDeviceSynchronize(), cudaSuccess);
    EXPECT_EQ(first_of(second), 3);
    EXPECT_EQ(first_of(first), 13);
  }
}

TEST_F(Stream, LeavesOtherStreamsAloneOrRunsThemFirstInTurn) {
  simt::set_execution(simt::Execution::deferred, 0);
  const cudaStream_t stream = new_stream();
  const cudaStream_t other = new_stream();
  float* value = pinned_floats(1);
  for (const float expected : {0.0F, 2.0F}) {
    ASSERT_EQ(add(value, 1, 1, other), cudaSuccess);
    ASSERT_EQ(cudaMemsetAsync(pinned_floats(1), 0, 4, stream), cudaSuccess);
    ASSERT_EQ(cudaStreamSynchronize(stream), cudaSuccess);
    EXPECT_EQ(value[0], expected);
  }
}

TEST_F(Stream, BlockingStreamsWaitForTheLegacyStreamAndItForThem) {
  for (const unsigned seed : {0U, 1U}) {
    simt::reset();
    simt::set_execution(simt::Execution::deferred, seed);
    const cudaStream_t blocking = new_stream(cudaStreamDefault);
    float* value = device_floats(1, 1);
    float* seen = device_floats(1);
    ASSERT_EQ(add(value, 1, 1, blocking), cudaSuccess);
    ASSERT_EQ(add(value, 10, 1, nullptr), cudaSuccess);
    ASSERT_EQ(copy(seen, value, 1, blocking), cudaSuccess);
    ASSERT_EQ(cudaStreamSynchronize(blocking), cudaSuccess);
    EXPECT_EQ(first_of(seen), 12);
  }
}

TEST_F(Stream, ABlockingCopyDoesNotWaitForANonBlockingStream) {
  float results[2] = {};
  for (const unsigned seed : {0U, 1U}) {
    simt::reset();
    const cudaStream_t stream = new_stream(cudaStreamNonBlocking);
    float* value = device_floats(1, 1);
    simt::set_execution(simt::Execution::deferred, seed);
    ASSERT_EQ(add(value, 1, 1, stream), cudaSuccess);
    results[seed] = first_of(value);
  }
  EXPECT_EQ(results[0], 1);
  EXPECT_EQ(results[1], 2);
}

TEST_F(Stream, ThePerThreadStreamIsABlockingStream) {
  simt::set_execution(simt::Execution::deferred);
  float* value = device_floats(1, 1);
  ASSERT_EQ(add(value, 1, 1, cudaStreamPerThread), cudaSuccess);
  EXPECT_EQ(first_of(value), 2);
  EXPECT_EQ(simt::live().streams, 0U);
}

TEST_F(Stream, AQueryWaitsForNothingButALoopOfQueriesEnds) {
  simt::set_execution(simt::Execution::deferred);
  const cudaStream_t stream = new_stream();
  const cudaEvent_t event = new_event();
  float* value = pinned_floats(1);
  EXPECT_EQ(cudaEventQuery(event), cudaSuccess) << "never recorded";
  ASSERT_EQ(add(value, 1, 1, stream), cudaSuccess);
  ASSERT_EQ(cudaEventRecord(event, stream), cudaSuccess);
  EXPECT_EQ(cudaEventQuery(event), cudaErrorNotReady);
  EXPECT_EQ(cudaGetLastError(), cudaErrorNotReady);
  int queries = 0;
  while (cudaStreamQuery(stream) == cudaErrorNotReady) ++queries;
  EXPECT_LE(queries, 2);
  EXPECT_EQ(value[0], 1);
  EXPECT_EQ(cudaEventQuery(event), cudaSuccess);
  EXPECT_EQ(simt::counters().synchronisations, 0U);
}

TEST_F(Stream, AnEventWaitsForWhatCameBeforeItAndNoMore) {
  simt::set_execution(simt::Execution::deferred);
  const cudaStream_t stream = new_stream();
  const cudaEvent_t event = new_event();
  float* value = pinned_floats(1);
  ASSERT_EQ(add(value, 1, 1, stream), cudaSuccess);
  ASSERT_EQ(cudaEventRecord(event, stream), cudaSuccess);
  ASSERT_EQ(add(value, 10, 1, stream), cudaSuccess);
  ASSERT_EQ(cudaEventSynchronize(event), cudaSuccess);
  EXPECT_EQ(value[0], 1);
  EXPECT_EQ(simt::counters().synchronisations, 1U);
}

TEST_F(Stream, AWaitIsForTheRecordBeforeIt) {
  // Recorded again after the wait was queued: the wait still means the first record.
  simt::set_execution(simt::Execution::deferred);
  const cudaStream_t producer = new_stream();
  const cudaStream_t consumer = new_stream();
  const cudaEvent_t event = new_event();
  float* value = pinned_floats(1);
  ASSERT_EQ(add(value, 1, 1, producer), cudaSuccess);
  ASSERT_EQ(cudaEventRecord(event, producer), cudaSuccess);
  ASSERT_EQ(cudaStreamWaitEvent(consumer, event), cudaSuccess);
  ASSERT_EQ(add(value, 10, 1, producer), cudaSuccess);
  ASSERT_EQ(cudaEventRecord(event, producer), cudaSuccess);
  ASSERT_EQ(cudaStreamSynchronize(consumer), cudaSuccess);
  EXPECT_EQ(value[0], 1);
}

TEST_F(Stream, DestroyedWithWorkStillRunsIt) {
  simt::set_execution(simt::Execution::deferred);
  const cudaStream_t stream = new_stream();
  const cudaEvent_t event = new_event();
  float* value = pinned_floats(1);
  ASSERT_EQ(add(value, 1, 1, stream), cudaSuccess);
  ASSERT_EQ(cudaEventRecord(event, stream), cudaSuccess);
  ASSERT_EQ(cudaStreamDestroy(stream), cudaSuccess);
  EXPECT_EQ(cudaStreamSynchronize(stream), cudaErrorInvalidResourceHandle);
  EXPECT_EQ(value[0], 0);
  EXPECT_EQ(simt::live().streams, 0U);
  ASSERT_EQ(cudaEventSynchronize(event), cudaSuccess);
  EXPECT_EQ(value[0], 1);
}

TEST_F(Stream, MeasuresTimeBetweenEvents) {
  const cudaEvent_t start = new_event();
  const cudaEvent_t end = new_event();
  const cudaEvent_t untimed = new_event(cudaEventDisableTiming);
  float milliseconds = -1;
  EXPECT_EQ(cudaEventElapsedTime(&milliseconds, start, end), cudaErrorInvalidResourceHandle);
  ASSERT_EQ(cudaEventRecord(start), cudaSuccess);
  ASSERT_EQ(add(device_floats(64), 1, 64), cudaSuccess);
  ASSERT_EQ(cudaEventRecord(end), cudaSuccess);
  ASSERT_EQ(cudaEventRecord(untimed), cudaSuccess);
  ASSERT_EQ(cudaEventElapsedTime(&milliseconds, start, end), cudaSuccess);
  EXPECT_GT(milliseconds, 0);
  EXPECT_LT(milliseconds, 10000);
  EXPECT_EQ(cudaEventElapsedTime(&milliseconds, start, untimed), cudaErrorInvalidResourceHandle);
  simt::set_execution(simt::Execution::deferred);
  ASSERT_EQ(cudaEventRecord(end), cudaSuccess);
  EXPECT_EQ(cudaEventElapsedTime(&milliseconds, start, end), cudaErrorNotReady);
}

TEST_F(Stream, HasProperties) {
  cudaStream_t stream = nullptr;
  int least = -1, greatest = 1;
  ASSERT_EQ(cudaDeviceGetStreamPriorityRange(&least, &greatest), cudaSuccess);
  EXPECT_EQ(least, 0);
  ASSERT_EQ(cudaStreamCreateWithPriority(&stream, cudaStreamNonBlocking, -100), cudaSuccess);
  int priority = 0, device = -1;
  unsigned flags = 0;
  unsigned long long id = 0, other_id = 0;
  EXPECT_EQ(cudaStreamGetPriority(stream, &priority), cudaSuccess);
  EXPECT_EQ(cudaStreamGetFlags(stream, &flags), cudaSuccess);
  EXPECT_EQ(cudaStreamGetDevice(stream, &device), cudaSuccess);
  EXPECT_EQ(cudaStreamGetId(stream, &id), cudaSuccess);
  EXPECT_EQ(cudaStreamGetId(new_stream(), &other_id), cudaSuccess);
  EXPECT_EQ(priority, greatest);
  EXPECT_EQ(flags, unsigned{cudaStreamNonBlocking});
  EXPECT_EQ(device, 0);
  EXPECT_NE(id, other_id);
  EXPECT_EQ(cudaStreamCreateWithFlags(&stream, 7), cudaErrorInvalidValue);
}

TEST_F(Stream, BelongsToItsDevice) {
  simt::set_machine({.devices = 2});
  const cudaStream_t stream = new_stream();
  float* value = device_floats(1);
  ASSERT_EQ(cudaSetDevice(1), cudaSuccess);
  EXPECT_EQ(add(value, 1, 1, stream), cudaErrorInvalidResourceHandle);
}

TEST_F(Stream, RefusesWhatWasNotCreated) {
  const cudaStream_t stream = new_stream();
  const cudaEvent_t event = new_event();
  ASSERT_EQ(cudaStreamDestroy(stream), cudaSuccess);
  ASSERT_EQ(cudaEventDestroy(event), cudaSuccess);
  EXPECT_EQ(cudaStreamDestroy(stream), cudaErrorInvalidResourceHandle);
  EXPECT_EQ(cudaStreamDestroy(nullptr), cudaErrorInvalidResourceHandle);
  EXPECT_EQ(cudaEventDestroy(event), cudaErrorInvalidResourceHandle);
  EXPECT_EQ(cudaEventRecord(event), cudaErrorInvalidResourceHandle);
  EXPECT_EQ(cudaStreamWaitEvent(nullptr, event), cudaErrorInvalidResourceHandle);
  EXPECT_EQ(add(nullptr, 1, 1, stream), cudaErrorInvalidResourceHandle);
  EXPECT_EQ(cudaMemsetAsync(device_floats(1), 0, 4, stream), cudaErrorInvalidResourceHandle);
  EXPECT_TRUE(simt::live().streams == 0 && simt::live().events == 0);
}

TEST_F(Stream, RunsHostFunctionsInOrderWhichMayNotCallBack) {
  simt::set_execution(simt::Execution::deferred);
  const cudaStream_t stream = new_stream();
  struct Seen {
    float* value;
    float before = 0;
    cudaError_t refusal = cudaSuccess;
  } seen{pinned_floats(1)};
  const cudaHostFn_t look = [](void* data) {
    auto* into = static_cast<Seen*>(data);
    into->before = into->value[0];
    into->refusal = cudaDeviceSynchronize();
  };
  ASSERT_EQ(add(seen.value, 1, 1, stream), cudaSuccess);
  ASSERT_EQ(cudaLaunchHostFunc(stream, look, &seen), cudaSuccess);
  ASSERT_EQ(add(seen.value, 1, 1, stream), cudaSuccess);
  EXPECT_EQ(seen.before, 0);
  ASSERT_EQ(cudaStreamSynchronize(stream), cudaSuccess);
  EXPECT_EQ(seen.before, 1);
  EXPECT_EQ(seen.refusal, cudaErrorNotPermitted);
  EXPECT_EQ(simt::counters().host_functions, 1U);
}

TEST_F(Stream, SettingImmediateExecutionRunsWhatIsQueued) {
  simt::set_execution(simt::Execution::deferred);
  float* value = pinned_floats(1);
  ASSERT_EQ(add(value, 1, 1, new_stream()), cudaSuccess);
  simt::set_execution(simt::Execution::immediate);
  EXPECT_EQ(value[0], 1);
}

}  // namespace
}  // namespace simt_test
