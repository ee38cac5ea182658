// Programmatic dependent launch: kernels that begin before the one in front of them is done. Right ones give what they
// give without it; of wrong ones each is planted here, and seen.

#include <gmock/gmock.h>

#include <functional>
#include <string>

#include "support.h"

namespace simt_test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

__device__ int index_of_thread() {
  return static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
}

__global__ void copy_after_waiting_kernel(float* to, const float* from, int count) {
  cudaTriggerProgrammaticLaunchCompletion();
  const int i = index_of_thread();
  cudaGridDependencySynchronize();
  if (i < count) to[i] = from[i];
}

/// Planted: what is read is from before.
__global__ void read_before_waiting_kernel(float* to, const float* from, int count) {
  const int i = index_of_thread();
  const float value = i < count ? from[i] : 0;
  cudaGridDependencySynchronize();
  if (i < count) to[i] = value;
}

/// Planted: what the kernel in front still reads is overwritten.
__global__ void write_before_waiting_kernel(float* to, const float*, int count) {
  const int i = index_of_thread();
  if (i < count) to[i] = 7;
  cudaGridDependencySynchronize();
}

/// Planted: in one block alone.
__global__ void wait_in_all_blocks_but_one_kernel(float* to, const float* from, int count) {
  const int i = index_of_thread();
  if (blockIdx.x != 1) cudaGridDependencySynchronize();
  if (i < count) to[i] = from[i];
}

/// One thread waits, for all others of its block: shared memory and threads at a barrier outlast the wait.
__global__ void sum_after_one_thread_waited_kernel(float* to, const float* from, int count) {
  __shared__ float values[32];
  __shared__ float scale;
  if (threadIdx.x == 5) {
    scale = 2;
    cudaGridDependencySynchronize();
  }
  __syncthreads();
  const int i = index_of_thread();
  values[threadIdx.x] = i < count ? scale * from[i] : 0;
  __syncthreads();
  if (threadIdx.x == 0)
    for (const float value : values) to[blockIdx.x] += value;
}

using Kernel = void (*)(float*, const float*, int);

cudaError_t launch(Kernel kernel, float* to, const float* from, int count, cudaStream_t stream, bool programmatic) {
  cudaLaunchAttribute attribute{};
  attribute.id = cudaLaunchAttributeProgrammaticStreamSerialization;
  attribute.val.programmaticStreamSerializationAllowed = programmatic;
  cudaLaunchConfig_t config = config_for(count, stream);
  config.attrs = &attribute;
  config.numAttrs = 1;
  return cudaLaunchKernelEx(&config, kernel, to, from, count);
}

class Programmatic : public RuntimeTest {
 protected:
  static constexpr int kCount = 100;

  void early(Kernel kernel, float* to, const float* from) {
    EXPECT_EQ(launch(kernel, to, from, kCount, stream_, true), cudaSuccess);
  }
  void run_as_graph(const std::function<void()>& queue) {
    cudaGraph_t graph = nullptr;
    cudaGraphExec_t exec = nullptr;
    ASSERT_EQ(cudaStreamBeginCapture(stream_, cudaStreamCaptureModeGlobal), cudaSuccess);
    queue();
    ASSERT_EQ(cudaStreamEndCapture(stream_, &graph), cudaSuccess);
    ASSERT_EQ(cudaGraphInstantiate(&exec, graph), cudaSuccess);
    ASSERT_EQ(cudaGraphLaunch(exec, stream_), cudaSuccess);
    ASSERT_EQ(cudaStreamSynchronize(stream_), cudaSuccess);
  }
  void run_in_stream(const std::function<void()>& queue) {
    simt::set_execution(simt::Execution::deferred);
    queue();
    ASSERT_EQ(cudaStreamSynchronize(stream_), cudaSuccess);
    simt::set_execution(simt::Execution::immediate);
  }
  /// Of the last element: what the kernel copies of values that the kernel in front of it makes 2.
  float copied_behind(Kernel kernel, bool as_graph) {
    float* values = device_floats(kCount, 1);
    float* copied = device_floats(kCount);
    const auto queue = [&] {
      EXPECT_EQ(add(values, 1, kCount, stream_), cudaSuccess);
      early(kernel, copied, values);
    };
    as_graph ? run_as_graph(queue) : run_in_stream(queue);
    return from_device(copied, kCount).back();
  }
  std::string fault_of(const std::function<void()>& queue) {
    try {
      run_as_graph(queue);
    } catch (const simt::Fault& fault) {
      return fault.what();
    }
    return "no fault";
  }

  cudaStream_t stream_ = new_stream();
};

TEST_F(Programmatic, AKernelThatWaitsFirstGivesTheSame) {
  for (const bool as_graph : {true, false}) {
    EXPECT_EQ(copied_behind(copy_after_waiting_kernel, as_graph), 2);
    EXPECT_EQ(copied_behind(sum_after_one_thread_waited_kernel, as_graph), 0) << "four sums";
  }
  EXPECT_EQ(simt::counters().launches, 8U);
  EXPECT_EQ(simt::counters().programmatic, 4U);
}

TEST_F(Programmatic, WhatIsReadBeforeTheWaitIsOld) {
  EXPECT_EQ(copied_behind(read_before_waiting_kernel, true), 1);
  EXPECT_EQ(copied_behind(read_before_waiting_kernel, false), 1);
}

TEST_F(Programmatic, WithoutTheAttributeNothingBeginsEarly) {
  float* values = device_floats(kCount, 1);
  float* copied = device_floats(kCount);
  run_as_graph([&] {
    EXPECT_EQ(add(values, 1, kCount, stream_), cudaSuccess);
    EXPECT_EQ(launch(read_before_waiting_kernel, copied, values, kCount, stream_, false), cudaSuccess);
  });
  EXPECT_EQ(first_of(copied), 2);
}

TEST_F(Programmatic, WhatIsWrittenBeforeTheWaitIsTooEarly) {
  float* values = device_floats(kCount, 1);
  float* copied = device_floats(kCount);
  run_as_graph([&] {
    EXPECT_EQ(copy(copied, values, kCount, stream_), cudaSuccess);
    early(write_before_waiting_kernel, values, nullptr);
  });
  EXPECT_EQ(first_of(copied), 7);
}

/// Each of them may let the next begin at once.
TEST_F(Programmatic, ThereMayBeManyBehindEachOther) {
  for (const bool as_graph : {true, false}) {
    float* values = device_floats(kCount, 1);
    float* copies = device_floats(3 * kCount);
    const auto queue = [&] {
      EXPECT_EQ(add(values, 1, kCount, stream_), cudaSuccess);
      early(copy_after_waiting_kernel, copies, values);
      early(copy_after_waiting_kernel, copies + kCount, copies);
      early(read_before_waiting_kernel, copies + 2 * kCount, values);
    };
    as_graph ? run_as_graph(queue) : run_in_stream(queue);
    EXPECT_EQ(first_of(copies + kCount), 2);
    EXPECT_EQ(first_of(copies + 2 * kCount), 1) << "of a kernel that is not directly in front";
  }
}

TEST_F(Programmatic, SharedMemoryAndBarriersOutlastTheWait) {
  float* values = device_floats(kCount, 1);
  float* sums = device_floats(kCount);
  for (const auto order : {simt::Schedule::Order::forward, simt::Schedule::Order::reverse}) {
    simt::set_schedule({order, 0});
    run_as_graph([&] {
      EXPECT_EQ(add(values, 1, kCount, stream_), cudaSuccess);
      early(sum_after_one_thread_waited_kernel, sums, values);
      early(sum_after_one_thread_waited_kernel, sums, values);
    });
  }
  simt::set_schedule({});
  EXPECT_EQ(from_device(sums, 4), (std::vector<float>{640, 640, 640, 80}));
}

TEST_F(Programmatic, ABlockThatHasNotWaitedIsReported) {
  float* values = device_floats(kCount);
  float* copied = device_floats(kCount);
  EXPECT_THAT(fault_of([&] {
                EXPECT_EQ(add(values, 1, kCount, stream_), cudaSuccess);
                early(wait_in_all_blocks_but_one_kernel, copied, values);
              }),
              AllOf(HasSubstr("wait_in_all_blocks_but_one_kernel, block (1,0,0): has ended without "
                              "cudaGridDependencySynchronize()"),
                    HasSubstr("programmatic stream serialization")));
  EXPECT_THROW(launch(wait_in_all_blocks_but_one_kernel, copied, values, kCount, stream_, true), simt::Fault)
      << "with nothing in front of it too";
}

__global__ void stuck_kernel() {
  if (threadIdx.x < 16) __syncthreads();
  if (threadIdx.x >= 16) __syncthreads();
}

TEST_F(Programmatic, AFaultOfTheKernelInFrontDropsWhatHasBegun) {
  float* values = device_floats(kCount);
  const cudaLaunchConfig_t config = config_for(1, stream_);
  EXPECT_THAT(fault_of([&] {
                EXPECT_EQ(cudaLaunchKernelEx(&config, stuck_kernel), cudaSuccess);
                early(write_before_waiting_kernel, values, nullptr);
                early(copy_after_waiting_kernel, values, values);
              }),
              HasSubstr("stuck_kernel"));
  EXPECT_EQ(copied_behind(copy_after_waiting_kernel, true), 2);
}

TEST_F(Programmatic, ManyBlocksBeginButNotAll) {
  constexpr int kMany = 100'000;
  float* values = device_floats(kMany, 1);
  float* copied = device_floats(kMany);
  run_as_graph([&] {
    EXPECT_EQ(add(values, 1, kMany, stream_), cudaSuccess);
    EXPECT_EQ(launch(read_before_waiting_kernel, copied, values, kMany, stream_, true), cudaSuccess);
  });
  const std::vector<float> seen = from_device(copied, kMany);
  EXPECT_EQ(std::count(seen.begin(), seen.end(), 1.0f), 2048);
  EXPECT_EQ(std::count(seen.begin(), seen.end(), 2.0f), kMany - 2048);
}

/// In a stream only work that is there already can be overtaken.
TEST_F(Programmatic, ImmediateExecutionLeavesNothingToOverlapWith) {
  float* values = device_floats(kCount, 1);
  float* copied = device_floats(kCount);
  EXPECT_EQ(add(values, 1, kCount, stream_), cudaSuccess);
  early(read_before_waiting_kernel, copied, values);
  EXPECT_EQ(first_of(copied), 2);
}

/// Copies have no port that such an edge could begin at.
TEST_F(Programmatic, OnlyKernelsAreOvertaken) {
  float* values = device_floats(kCount, 1);
  float* copied = device_floats(kCount);
  run_in_stream([&] {
    EXPECT_EQ(add(values, 1, kCount, stream_), cudaSuccess);
    EXPECT_EQ(cudaMemsetAsync(copied, 0, sizeof(float), stream_), cudaSuccess);
    early(read_before_waiting_kernel, copied, values);
  });
  EXPECT_EQ(first_of(copied), 2);
}

TEST_F(Programmatic, ACaptureTakesItBehindOneKernelOfTheSameStreamOnly) {
  float* values = device_floats(kCount, 1);
  const cudaStream_t fork = new_stream();
  const cudaEvent_t there = new_event(), back = new_event();
  const auto status = [&](cudaStream_t stream) {
    return launch(copy_after_waiting_kernel, values, values, kCount, stream, true);
  };
  run_as_graph([&] {
    EXPECT_EQ(status(stream_), cudaErrorNotSupported) << "nothing in front";
    EXPECT_EQ(add(values, 1, kCount, stream_), cudaSuccess);
    EXPECT_EQ(status(stream_), cudaSuccess);
    ASSERT_EQ(cudaEventRecord(there, stream_), cudaSuccess);
    ASSERT_EQ(cudaStreamWaitEvent(fork, there), cudaSuccess);
    EXPECT_EQ(status(fork), cudaErrorNotSupported) << "a kernel of another stream in front";
    EXPECT_EQ(add(values, 1, kCount, fork), cudaSuccess);
    ASSERT_EQ(cudaEventRecord(back, fork), cudaSuccess);
    EXPECT_EQ(status(stream_), cudaSuccess) << "the fork waits for what was there, not the stream for it";
    ASSERT_EQ(cudaStreamWaitEvent(stream_, back), cudaSuccess);
    EXPECT_EQ(status(stream_), cudaErrorNotSupported) << "two kernels in front";
    ASSERT_EQ(cudaMemsetAsync(values, 0, sizeof(float), stream_), cudaSuccess);
    EXPECT_EQ(status(stream_), cudaErrorNotSupported) << "no kernel in front";
  });
}

TEST_F(Programmatic, CooperativeLaunchesAreRefused) {
  cudaLaunchAttribute attributes[2] = {};
  attributes[0].id = cudaLaunchAttributeProgrammaticStreamSerialization;
  attributes[0].val.programmaticStreamSerializationAllowed = 1;
  attributes[1].id = cudaLaunchAttributeCooperative;
  attributes[1].val.cooperative = 1;
  cudaLaunchConfig_t config = config_for(1, stream_);
  config.attrs = attributes;
  config.numAttrs = 2;
  EXPECT_EQ(cudaLaunchKernelEx(&config, stuck_kernel), cudaErrorNotSupported);
}

}  // namespace
}  // namespace simt_test
