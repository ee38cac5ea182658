#include <cooperative_groups.h>
#include <cuda_runtime.h>
#include <gmock/gmock.h>

#include <vector>

#include "tests/device/launch.h"

namespace cg = cooperative_groups;

namespace simt::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

// Every block needs what all others have written, twice.
__global__ void sum_neighbours(float* out, float* scratch, const float* x, unsigned n) {
  const cg::grid_group grid = cg::this_grid();
  const auto i = static_cast<unsigned>(grid.thread_rank());
  if (i < n) scratch[i] = x[(i + 1) % n] + x[i];
  grid.sync();
  if (i < n) out[i] = scratch[(i + 77) % n];
  grid.sync();
  if (i < n) scratch[i] = out[n - 1 - i];
  grid.sync();
  if (i < n) out[i] += scratch[i];
}

TEST(GridBarrier, AllBlocksSeeWhatTheOthersWrote) {
  constexpr unsigned n = 1000;
  std::vector<float> x(n), out(n), scratch(n);
  for (unsigned i = 0; i < n; ++i) x[i] = static_cast<float>(i % 17);
  reset_kernel_counters();
  EXPECT_TRUE(same_in_all_schedules([&] {
    launch({dim3(4, 2), 128, 0, true}, sum_neighbours, out.data(), scratch.data(), x.data(), n);
    return out;
  }));
  EXPECT_EQ(kernel_counters.grid_barriers, 3u * 5);
  const auto sum = [&](unsigned i) { return x[(i + 78) % n] + x[(i + 77) % n]; };
  EXPECT_EQ(out[5], sum(5) + sum(n - 6));
}

__global__ void record_shape(unsigned long long* out) {
  const cg::grid_group grid = cg::this_grid();
  const cg::thread_block block = cg::this_thread_block();
  out[grid.thread_rank()] = grid.size() * 10000 + grid.num_blocks() * 100 + block.thread_rank() + grid.block_rank();
  block.sync();
}

TEST(GridBarrier, GroupsKnowTheirShape) {
  std::vector<unsigned long long> out(2 * 3 * 10);
  launch({dim3(2, 3), dim3(5, 2), 0, true}, record_shape, out.data());
  for (unsigned i = 0; i < out.size(); ++i) EXPECT_EQ(out[i], 600000u + 600 + i % 10 + i / 10);
}

__global__ void first_block_leaves() {
  if (blockIdx.x == 1) return;
  cg::this_grid().sync();
}

// Planted: a deadlock of the grid.
TEST(GridBarrier, ABlockThatHasExitedIsReported) {
  EXPECT_THAT(fault_of({3, 32, 0, true}, first_block_leaves),
              AllOf(HasSubstr("block (0,0,0): thread (0,0,0) waits in grid_group::sync() at grid_test.cu:"),
                    HasSubstr("but block (1,0,0) has exited")));
}

constexpr int kOneThread = __LINE__;
__global__ void one_thread_syncs_the_grid() {
  if (threadIdx.x == 0) cg::this_grid().sync();
  __syncthreads();
}

TEST(GridBarrier, ABlockOfWhichOneThreadWaitsIsReported) {
  EXPECT_THAT(fault_of({2, 32, 0, true}, one_thread_syncs_the_grid),
              AllOf(HasSubstr("thread (0,0,0) waits in grid_group::sync() at " + place(__FILE__, kOneThread + 2)),
                    HasSubstr("thread (1,0,0) waits in __syncthreads() at " + place(__FILE__, kOneThread + 3))));
}

__global__ void blocks_at_different_barriers() {
  if (blockIdx.x == 0) {
    cg::this_grid().sync();
  } else {
    cg::this_grid().sync();
  }
}

TEST(GridBarrier, BlocksAtDifferentBarriersAreReported) {
  EXPECT_THAT(fault_of({2, 32, 0, true}, blocks_at_different_barriers),
              AllOf(HasSubstr("divergent barrier"), HasSubstr("and in block (1,0,0)")));
}

TEST(GridBarrier, NeedsACooperativeLaunch) {
  EXPECT_THAT(fault_of({3, 32}, first_block_leaves),
              HasSubstr("grid_group::sync() in a launch that is not cooperative at grid_test.cu:"));
}

}  // namespace
}  // namespace simt::test
