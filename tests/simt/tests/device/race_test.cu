#include <cuda_runtime.h>
#include <gtest/gtest.h>

#include <vector>

#include "tests/device/launch.h"

// Planted races between barriers: no fault, but other bits in another schedule. Beside each stands the correct kernel,
// so that it is the bug that is seen.
namespace simt::test {
namespace {

constexpr unsigned kThreads = 256;

template <bool kBarrier>
__global__ void tree_sum(float* out, const float* x) {
  SIMT_DYNAMIC_SHARED(float, partial);
  const unsigned t = threadIdx.x;
  partial[t] = x[t];
  __syncthreads();
  for (unsigned half = blockDim.x / 2; half > 0; half /= 2) {
    if (t < half) partial[t] += partial[t + half];
    if (kBarrier) __syncthreads();
  }
  if (t == 0) *out = partial[0];
}

template <bool kBarrier>
__global__ void sum_twice(float* out, const float* x) {
  __shared__ float partial[kThreads / 32];
  const unsigned t = threadIdx.x;
  for (unsigned round = 0; round < 2; ++round) {
    float v = x[t] + static_cast<float>(round);
    for (int d = 16; d > 0; d /= 2) v += __shfl_xor_sync(0xffffffffu, v, d);
    if (t % 32 == 0) partial[t / 32] = v;
    __syncthreads();
    float total = 0;
    for (const float part : partial) total += part;
    out[round * blockDim.x + t] = total;
    if (kBarrier) __syncthreads();  // the next round writes what a slower warp still reads
  }
}

template <bool kBarrier>
__global__ void reverse_in_place(float* x) {
  const float mine = x[blockDim.x - 1 - threadIdx.x];
  if (kBarrier) __syncthreads();
  x[threadIdx.x] = mine;
}

template <bool kDeterministic>
__global__ void sum_of_blocks(float* out, float* partial, unsigned* count, const float* x) {
  __shared__ bool last;
  const float mine = x[blockIdx.x];
  if (!kDeterministic) {
    if (threadIdx.x == 0) atomicAdd(out, mine);
    return;
  }
  if (threadIdx.x == 0) {
    partial[blockIdx.x] = mine;
    __threadfence();
    last = atomicInc(count, gridDim.x - 1) == gridDim.x - 1;
  }
  __syncthreads();
  if (!last || threadIdx.x != 0) return;
  *out = 0;
  for (unsigned b = 0; b < gridDim.x; ++b) *out += partial[b];
}

std::vector<float> numbers(unsigned n) {
  std::vector<float> x(n);
  for (unsigned i = 0; i < n; ++i) x[i] = 1.0f / static_cast<float>(i + 1);
  return x;
}

bool tree_sum_agrees(void (*kernel)(float*, const float*)) {
  const std::vector<float> x = numbers(kThreads);
  return same_in_all_schedules([&] {
    float out = 0;
    launch({1, kThreads, kThreads * sizeof(float)}, kernel, &out, x.data());
    return out;
  });
}

TEST(Race, MissingBarrierInATree) {
  EXPECT_TRUE(tree_sum_agrees(tree_sum<true>));
  EXPECT_FALSE(tree_sum_agrees(tree_sum<false>));
}

bool sum_twice_agrees(void (*kernel)(float*, const float*)) {
  const std::vector<float> x = numbers(kThreads);
  return same_in_all_schedules([&] {
    std::vector<float> out(2 * kThreads);
    launch({1, kThreads}, kernel, out.data(), x.data());
    return out;
  });
}

TEST(Race, BufferUsedAgainWithoutABarrier) {
  EXPECT_TRUE(sum_twice_agrees(sum_twice<true>));
  EXPECT_FALSE(sum_twice_agrees(sum_twice<false>));
}

bool reverse_agrees(void (*kernel)(float*)) {
  return same_in_all_schedules([&] {
    std::vector<float> x = numbers(kThreads);
    launch({1, kThreads}, kernel, x.data());
    return x;
  });
}

TEST(Race, InGlobalMemoryWithinABlock) {
  EXPECT_TRUE(reverse_agrees(reverse_in_place<true>));
  EXPECT_FALSE(reverse_agrees(reverse_in_place<false>));
}

bool sum_of_blocks_agrees(void (*kernel)(float*, float*, unsigned*, const float*)) {
  const std::vector<float> x = numbers(100);
  return same_in_all_schedules([&] {
    float out = 0;
    unsigned count = 0;
    std::vector<float> partial(100);
    launch({100, 32}, kernel, &out, partial.data(), &count, x.data());
    return out;
  });
}

TEST(Race, FloatingPointAtomicsDependOnTheOrderOfBlocks) {
  EXPECT_TRUE(sum_of_blocks_agrees(sum_of_blocks<true>));
  EXPECT_FALSE(sum_of_blocks_agrees(sum_of_blocks<false>));
}

}  // namespace
}  // namespace simt::test
