#include <cuda_runtime.h>
#include <gmock/gmock.h>

#include <stdexcept>
#include <vector>

#include "tests/device/launch.h"

namespace simt::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

__global__ void count_positive(int* results, const int* values) {
  const int mine = values[threadIdx.x];
  results[threadIdx.x] =
      __syncthreads_count(mine > 0) * 100 + __syncthreads_or(mine > 0) * 10 + __syncthreads_and(mine > 0);
}

TEST(Barrier, PredicatesAreCombinedOverTheBlock) {
  std::vector<int> values(70, 0), results(70);
  launch({1, 70}, count_positive, results.data(), values.data());
  EXPECT_EQ(results, std::vector<int>(70, 0));
  values[69] = 5;
  launch({1, 70}, count_positive, results.data(), values.data());
  EXPECT_EQ(results, std::vector<int>(70, 110));
  values.assign(70, 1);
  launch({1, 70}, count_positive, results.data(), values.data());
  EXPECT_EQ(results, std::vector<int>(70, 7011));
}

constexpr int kDivergent = __LINE__;
__global__ void divergent(int* out) {
  if (threadIdx.x % 2 == 0) {
    out[0] = 1;
    __syncthreads();
  } else {
    __syncthreads();
  }
}

TEST(Barrier, ThreadsAtDifferentBarriersAreReported) {
  int out = 0;
  EXPECT_THAT(fault_of({dim3(1), 64}, divergent, &out),
              AllOf(HasSubstr("kernel simt::test::divergent, block (0,0,0): divergent barrier: "),
                    HasSubstr("thread (0,0,0) waits in __syncthreads() at " + place(__FILE__, kDivergent + 4)),
                    HasSubstr("thread (1,0,0) waits in __syncthreads() at " + place(__FILE__, kDivergent + 6))));
}

__global__ void divergent_on_one_line(int* out) {
  // clang-format off
  if (threadIdx.x == 7) { __syncthreads(); } else { out[0] = 1; __syncthreads(); }
  // clang-format on
}

TEST(Barrier, TwoBarriersOfOneLineAreTold) {
  int out = 0;
  EXPECT_THAT(fault_of({1, 64}, divergent_on_one_line, &out), HasSubstr("divergent barrier: "));
}

__global__ void divergent_kinds() {
  if (threadIdx.x < 32) {
    __syncthreads();
  } else {
    __syncthreads_count(1);
  }
}

TEST(Barrier, DifferentBarriersAreNotOne) {
  EXPECT_THAT(fault_of({1, 64}, divergent_kinds),
              AllOf(HasSubstr("in __syncthreads()"), HasSubstr("in __syncthreads_count()")));
}

constexpr int kExited = __LINE__;
__global__ void exits_early(int* out, unsigned n) {
  if (threadIdx.x >= n) return;
  out[threadIdx.x] = 1;
  __syncthreads();
}

TEST(Barrier, AnExitedThreadIsReported) {
  std::vector<int> out(64);
  EXPECT_THAT(
      fault_of({dim3(3, 1, 1), dim3(8, 8, 1)}, exits_early, out.data(), 5u),
      AllOf(HasSubstr("block (0,0,0): thread (0,0,0) waits in __syncthreads() at " + place(__FILE__, kExited + 4)),
            HasSubstr("but 24 threads have exited, the first of them thread (5,0,0)")));
  launch({1, 64}, exits_early, out.data(), 64u);
}

constexpr int kStuck = __LINE__;
__global__ void shuffles_past_a_barrier(int* out) {
  if (threadIdx.x < 16) {
    __syncthreads();
  } else {
    out[threadIdx.x] = __shfl_sync(0xffffffffu, 1, 20);
  }
}

TEST(Barrier, AWarpThatWaitsForABarrierIsReported) {
  std::vector<int> out(64);
  EXPECT_THAT(fault_of({1, 64}, shuffles_past_a_barrier, out.data()),
              AllOf(HasSubstr("thread (16,0,0) waits in __shfl_sync() at " + place(__FILE__, kStuck + 5)),
                    HasSubstr("for thread (0,0,0), but thread (0,0,0) waits in __syncthreads() at " +
                              place(__FILE__, kStuck + 3))));
}

__global__ void traps() {
  if (threadIdx.x == 3) __trap();
}

TEST(Barrier, ATrapEndsTheLaunch) {
  EXPECT_THAT(fault_of({1, 64}, traps), HasSubstr("thread (3,0,0): __trap() at barrier_test.cu:"));
}

__global__ void throws_and_waits() noexcept(false) {
  if (threadIdx.x == 40) throw std::out_of_range("from the kernel");
  __syncthreads();
}

TEST(Barrier, AnExceptionOfTheKernelComesOut) {
  EXPECT_THROW(launch({1, 64}, throws_and_waits), std::out_of_range);
}

__global__ void faults_where_nothing_may_be_thrown() noexcept {
  if (threadIdx.x == 1) __trap();
  __syncthreads();
}

TEST(Barrier, AFaultIsNotThrownThroughTheKernel) {
  EXPECT_THROW(launch({1, 64}, faults_where_nothing_may_be_thrown), Fault);
}

TEST(Barrier, AfterAFaultTheNextLaunchWorks) {
  std::vector<int> values(64, 1), results(64);
  int out = 0;
  for (int round = 0; round < 3; ++round) {
    EXPECT_THROW(launch({1, 64}, divergent, &out), Fault);
    launch({1, 64}, count_positive, results.data(), values.data());
    EXPECT_EQ(results, std::vector<int>(64, 6411));
  }
}

TEST(Barrier, HasNoMeaningOutsideOfAKernel) {
  EXPECT_THROW(__syncthreads(), Fault);
  EXPECT_THROW(__syncwarp(), Fault);
  EXPECT_THROW(dynamic_shared<float>(), Fault);
}

__global__ void launches() {
  launch({1, 1}, traps);
}

TEST(Barrier, AKernelCannotLaunchAnother) {
  EXPECT_THAT(fault_of({1, 1}, launches), HasSubstr("simt::test::launches launches another one"));
}

}  // namespace
}  // namespace simt::test
