#include <cuda_runtime.h>
#include <gmock/gmock.h>

#include <cstdint>
#include <vector>

#include "tests/device/launch.h"

namespace simt::test {
namespace {

using ::testing::AllOf;
using ::testing::Each;
using ::testing::HasSubstr;

template <class T>
struct Shuffled {
  T direct, up, down, exclusive;
  bool operator==(const Shuffled&) const = default;
};

template <class T>
__global__ void shuffle_all(Shuffled<T>* out, int width) {
  const T mine = static_cast<T>(threadIdx.x) / T{2};
  out[threadIdx.x] = {__shfl_sync(kAll, mine, 3, width), __shfl_up_sync(kAll, mine, 2u, width),
                      __shfl_down_sync(kAll, mine, 2u, width), __shfl_xor_sync(kAll, mine, 5, width)};
}

template <class T>
void expect_shuffled(int width) {
  std::vector<Shuffled<T>> out(64), expected(64);
  launch({1, 64}, shuffle_all<T>, out.data(), width);
  for (int t = 0; t < 64; ++t) {
    const int first = t / width * width, last = first + width - 1;
    const auto value = [](int thread) { return static_cast<T>(thread) / T{2}; };
    expected[t] = {value(first + 3 % width), value(t - 2 < first ? t : t - 2), value(t + 2 > last ? t : t + 2),
                   value((t ^ 5) > last ? t : t ^ 5)};
  }
  EXPECT_EQ(out, expected) << "width " << width;
}

TEST(Warp, ShufflesMoveValuesWithinTheirWidth) {
  for (const int width : {1, 2, 4, 8, 16, 32}) {
    expect_shuffled<float>(width);
    expect_shuffled<double>(width);
    expect_shuffled<int>(width);
    expect_shuffled<unsigned>(width);
    expect_shuffled<long long>(width);
    expect_shuffled<std::uint64_t>(width);
  }
}

// xor reaches back into an earlier segment, but not forward.
__global__ void xor_across_segments(int* out) {
  out[threadIdx.x] = __shfl_xor_sync(kAll, static_cast<int>(threadIdx.x), 8, 8);
}

TEST(Warp, XorReadsEarlierSegmentsOnly) {
  std::vector<int> out(32);
  launch({1, 32}, xor_across_segments, out.data());
  for (int t = 0; t < 32; ++t) EXPECT_EQ(out[t], t / 8 % 2 == 1 ? t - 8 : t);
}

struct Votes {
  unsigned ballot, any, all, match_any, match_all_mask;
  int match_all;
};

__global__ void vote(Votes* out, int n) {
  const int t = static_cast<int>(threadIdx.x);
  Votes votes{};
  votes.ballot = __ballot_sync(kAll, t < n);
  votes.any = static_cast<unsigned>(__any_sync(kAll, t < n));
  votes.all = static_cast<unsigned>(__all_sync(kAll, t < n));
  votes.match_any = __match_any_sync(kAll, t % 4);
  votes.match_all_mask = __match_all_sync(kAll, n, &votes.match_all);
  out[t] = votes;
}

TEST(Warp, VotesSeeEveryLane) {
  for (const int n : {0, 1, 5, 32}) {
    std::vector<Votes> out(32);
    launch({1, 32}, vote, out.data(), n);
    for (unsigned t = 0; t < 32; ++t) {
      EXPECT_EQ(out[t].ballot, n == 32 ? kAll : (1u << n) - 1);
      EXPECT_EQ(out[t].any, n > 0);
      EXPECT_EQ(out[t].all, n == 32);
      EXPECT_EQ(out[t].match_any, 0x11111111u << t % 4);
      EXPECT_EQ(out[t].match_all_mask, kAll);
      EXPECT_EQ(out[t].match_all, 1);
    }
  }
}

__global__ void match_all_fails(Votes* out) {
  int same = 1;
  out[threadIdx.x].match_all_mask = __match_all_sync(kAll, threadIdx.x == 31, &same);
  out[threadIdx.x].match_all = same;
}

TEST(Warp, MatchAllSeesTheOneThatDiffers) {
  std::vector<Votes> out(32);
  launch({1, 32}, match_all_fails, out.data());
  for (const Votes& votes : out) {
    EXPECT_EQ(votes.match_all, 0);
    EXPECT_EQ(votes.match_all_mask, 0u);
  }
}

__global__ void reduce_all(unsigned* out) {
  const unsigned t = threadIdx.x;
  const int negative = -static_cast<int>(t);
  const unsigned results[] = {__reduce_add_sync(kAll, t),
                              static_cast<unsigned>(__reduce_add_sync(kAll, negative)),
                              __reduce_min_sync(kAll, t + 4),
                              static_cast<unsigned>(__reduce_min_sync(kAll, negative)),
                              __reduce_max_sync(kAll, t),
                              static_cast<unsigned>(__reduce_max_sync(kAll, negative)),
                              __reduce_and_sync(kAll, t | 64),
                              __reduce_or_sync(kAll, t << 1),
                              __reduce_xor_sync(kAll, t == 9 ? 128u : 0u)};
  for (int i = 0; i < 9; ++i) out[i * 32 + t] = results[i];
}

TEST(Warp, ReductionsCombineAllLanes) {
  std::vector<unsigned> out(9 * 32);
  launch({1, 32}, reduce_all, out.data());
  const unsigned expected[] = {496, 0u - 496, 4, 0u - 31, 31, 0, 64, 62, 128};
  for (int i = 0; i < 9; ++i) {
    EXPECT_THAT(std::vector<unsigned>(out.begin() + i * 32, out.begin() + (i + 1) * 32), Each(expected[i])) << i;
  }
}

// Each half of the warp goes its own way, with masks that say so.
__global__ void halves(float* out, const float* x) {
  const unsigned t = threadIdx.x;
  float v = x[t];
  if (t % 32 < 16) {
    for (int d = 8; d > 0; d /= 2) v += __shfl_xor_sync(0x0000ffffu, v, d, 16);
    __syncwarp(0x0000ffffu);
  } else {
    for (int d = 8; d > 0; d /= 2) v = fmaxf(v, __shfl_xor_sync(0xffff0000u, v, d, 16));
    __syncwarp(0xffff0000u);
    __syncwarp(0xffff0000u);
  }
  __syncwarp();
  out[t] = v;
}

TEST(Warp, HalvesOfAWarpMayGoTheirOwnWays) {
  std::vector<float> x(64), out(64);
  for (int t = 0; t < 64; ++t) x[t] = static_cast<float>(t);
  EXPECT_TRUE(same_in_all_schedules([&] {
    launch({1, 64}, halves, out.data(), x.data());
    return out;
  }));
  for (int t = 0; t < 64; ++t) EXPECT_EQ(out[t], t < 16 ? 120 : t < 32 ? 31 : t < 48 ? 632 : 63);
}

__global__ void neighbours_exchange(int* out) {
  SIMT_DYNAMIC_SHARED(int, values);
  values[threadIdx.x] = static_cast<int>(threadIdx.x);
  __syncwarp();
  out[threadIdx.x] = values[threadIdx.x ^ 1];
}

TEST(Warp, SyncwarpOrdersSharedMemoryWithinAWarp) {
  std::vector<int> out(64);
  EXPECT_TRUE(same_in_all_schedules([&] {
    launch({1, 64, 64 * sizeof(int)}, neighbours_exchange, out.data());
    return out;
  }));
  EXPECT_EQ(out[7], 6);
}

__global__ void active_lanes(unsigned* out) {
  out[threadIdx.x] = __activemask();
}

TEST(Warp, ActivemaskPromisesTheCallerOnly) {
  std::vector<unsigned> out(64);
  launch({1, 64}, active_lanes, out.data());
  for (unsigned t = 0; t < 64; ++t) EXPECT_EQ(out[t], 1u << t % 32);
}

// Planted bugs: wrong masks.

constexpr int kExitedLanes = __LINE__;
__global__ void exited_lanes(int* out) {
  if (threadIdx.x >= 20) return;
  out[threadIdx.x] = __shfl_xor_sync(kAll, 1, 1);
}

TEST(WrongMask, NamesALaneThatHasExited) {
  std::vector<int> out(32);
  EXPECT_THAT(fault_of({1, 32}, exited_lanes, out.data()),
              AllOf(HasSubstr("thread (0,0,0) waits in __shfl_xor_sync() at " + place(__FILE__, kExitedLanes + 3)),
                    HasSubstr("with mask 0xffffffff, which names thread (20,0,0), which has exited")));
}

__global__ void whole_mask(int* out) {
  out[threadIdx.x] = static_cast<int>(__ballot_sync(kAll, 1));
}

TEST(WrongMask, NamesALaneBeyondTheBlock) {
  std::vector<int> out(48);
  EXPECT_THAT(fault_of({1, 48}, whole_mask, out.data()),
              AllOf(HasSubstr("__ballot_sync"), HasSubstr("which names lane 16 beyond the block's 48 threads")));
}

__global__ void not_in_own_mask(int* out) {
  out[threadIdx.x] = __shfl_sync(0x0000ffffu, 1, 0);
}

TEST(WrongMask, LeavesOutTheCaller) {
  std::vector<int> out(32);
  EXPECT_THAT(fault_of({1, 32}, not_in_own_mask, out.data()), HasSubstr("but is not in its own mask 0x0000ffff"));
}

__global__ void reads_outside_mask(int* out) {
  if (threadIdx.x < 16) out[threadIdx.x] = __shfl_down_sync(0x0000ffffu, 1, 8);
}

TEST(WrongMask, LeavesOutTheLaneThatIsRead) {
  std::vector<int> out(32);
  EXPECT_THAT(fault_of({1, 32}, reads_outside_mask, out.data()),
              HasSubstr("and reads lane 16, which is not in its mask 0x0000ffff"));
}

constexpr int kDifferentMasks = __LINE__;
__global__ void different_masks() {
  if (threadIdx.x < 16) {
    __syncwarp(kAll);
  } else {
    __syncwarp(0xffff000fu);
  }
}

TEST(WrongMask, DiffersBetweenTheLanes) {
  EXPECT_THAT(fault_of({1, 32}, different_masks),
              AllOf(HasSubstr("thread (0,0,0) waits in __syncwarp() at " + place(__FILE__, kDifferentMasks + 3)),
                    HasSubstr("thread (16,0,0) waits in __syncwarp() at " + place(__FILE__, kDifferentMasks + 5)),
                    HasSubstr("with another mask")));
}

constexpr int kDifferentPlaces = __LINE__;
__global__ void different_places(int* out) {
  if (threadIdx.x % 2 == 0) {
    out[threadIdx.x] = __shfl_sync(kAll, 1, 0);
  } else {
    out[threadIdx.x] = __shfl_sync(kAll, 2, 1);
  }
}

TEST(WrongMask, NamesLanesThatWaitElsewhere) {
  std::vector<int> out(32);
  EXPECT_THAT(fault_of({1, 32}, different_places, out.data()),
              AllOf(HasSubstr("thread (0,0,0) waits in __shfl_sync() at " + place(__FILE__, kDifferentPlaces + 3)),
                    HasSubstr("while, with the same mask 0xffffffff, thread (1,0,0) waits in __shfl_sync() at " +
                              place(__FILE__, kDifferentPlaces + 5))));
}

__global__ void odd_width(int* out) {
  out[threadIdx.x] = __shfl_sync(kAll, 1, 0, 12);
}

TEST(WrongMask, TheWidthMustBeAPowerOfTwo) {
  std::vector<int> out(32);
  EXPECT_THAT(fault_of({1, 32}, odd_width, out.data()),
              HasSubstr("width is not 1, 2, 4, 8, 16 or 32 at warp_test.cu:"));
}

}  // namespace
}  // namespace simt::test
