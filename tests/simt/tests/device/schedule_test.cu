#include <cuda_runtime.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <numeric>
#include <string>
#include <vector>

#include "tests/device/launch.h"

namespace simt::test {
namespace {

using ::testing::ElementsAreArray;

struct Indices {
  uint3 thread, block;
};

__global__ void record(std::vector<unsigned>* order) {
  const unsigned block = (blockIdx.z * gridDim.y + blockIdx.y) * gridDim.x + blockIdx.x;
  const unsigned thread = (threadIdx.z * blockDim.y + threadIdx.y) * blockDim.x + threadIdx.x;
  order->push_back(block * blockDim.x * blockDim.y * blockDim.z + thread);
}

std::vector<unsigned> order_in(Schedule schedule) {
  std::vector<unsigned> order;
  set_schedule(schedule);
  launch({dim3(2, 3, 2), dim3(5, 4, 3)}, record, &order);
  set_schedule(kForward);
  return order;
}

TEST(ScheduleTest, EveryThreadOfEveryBlockRunsOnce) {
  std::vector<unsigned> expected(12 * 60);
  std::iota(expected.begin(), expected.end(), 0u);
  EXPECT_EQ(order_in(kForward), expected);
  std::vector<unsigned> random = order_in({Schedule::Order::random, 7});
  EXPECT_NE(random, expected);
  std::sort(random.begin(), random.end());
  EXPECT_EQ(random, expected);
  std::reverse(expected.begin(), expected.end());
  EXPECT_EQ(order_in(kReverse), expected);
}

TEST(ScheduleTest, TheSeedDecidesTheRandomOrder) {
  EXPECT_EQ(order_in({Schedule::Order::random, 7}), order_in({Schedule::Order::random, 7}));
  EXPECT_NE(order_in({Schedule::Order::random, 7}), order_in({Schedule::Order::random, 8}));
}

__global__ void record_phases(std::vector<unsigned>* order) {
  for (int phase = 0; phase < 2; ++phase) {
    order->push_back(threadIdx.x / 32);
    __syncwarp();
    order->push_back(threadIdx.x / 32);
    __syncthreads();
  }
}

// So that a race between two barriers shows: the warps meet in both orders.
TEST(ScheduleTest, AWarpRunsAheadToTheNextBarrier) {
  for (const Schedule schedule : {kForward, kReverse}) {
    std::vector<unsigned> order;
    set_schedule(schedule);
    launch({1, 64}, record_phases, &order);
    set_schedule(kForward);
    const unsigned first = schedule.order == Schedule::Order::reverse;
    std::vector<unsigned> expected;
    for (int phase = 0; phase < 2; ++phase) {
      expected.insert(expected.end(), 64, first);
      expected.insert(expected.end(), 64, 1 - first);
    }
    EXPECT_THAT(order, ElementsAreArray(expected));
  }
}

__global__ void record_indices(Indices* out) {
  const unsigned block = (blockIdx.z * gridDim.y + blockIdx.y) * gridDim.x + blockIdx.x;
  const unsigned thread = (threadIdx.z * blockDim.y + threadIdx.y) * blockDim.x + threadIdx.x;
  __syncthreads();
  out[block * 60 + thread] = {threadIdx, blockIdx};
}

TEST(ScheduleTest, IndicesOutliveABarrier) {
  std::vector<Indices> out(12 * 60);
  launch({dim3(2, 3, 2), dim3(5, 4, 3)}, record_indices, out.data());
  for (unsigned i = 0; i < out.size(); ++i) {
    const auto [thread, block] = out[i];
    ASSERT_EQ((thread.z * 4 + thread.y) * 5 + thread.x, i % 60);
    ASSERT_EQ((block.z * 3 + block.y) * 2 + block.x, i / 60);
  }
}

__global__ void add_one(float* x, unsigned n) {
  const unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) x[i] += 1.0f;
}

__global__ void meet(int barriers) {
  for (int i = 0; i < barriers; ++i) __syncthreads();
}

TEST(CountersTest, ThreadsThatDoNotWaitShareAFiber) {
  std::vector<float> x(1000);
  reset_kernel_counters();
  launch({4, 256}, add_one, x.data(), 1000u);
  EXPECT_EQ(kernel_counters.launches, 1u);
  EXPECT_EQ(kernel_counters.blocks, 4u);
  EXPECT_EQ(kernel_counters.threads, 1024u);
  EXPECT_EQ(kernel_counters.barriers, 0u);
  EXPECT_EQ(kernel_counters.switches, 2u * 4 * 256 / 32);
}

TEST(CountersTest, CountBarriersAndSwitches) {
  reset_kernel_counters();
  launch({2, 64}, meet, 3);
  EXPECT_EQ(kernel_counters.barriers, 6u);
  EXPECT_EQ(kernel_counters.switches, 2u * 2 * 64 * (3 + 1));
}

template <class T>
__global__ void templated(T*) {}

TEST(SymbolsTest, AKernelHasItsNameWithoutParameters) {
  EXPECT_EQ(function_name(reinterpret_cast<const void*>(&add_one)), "simt::test::add_one");
  EXPECT_EQ(function_name(reinterpret_cast<const void*>(&templated<float>)), "simt::test::templated<float>");
  const int nothing = 0;
  EXPECT_EQ(function_name(&nothing), "(unnamed)");
}

}  // namespace
}  // namespace simt::test
