#include <cooperative_groups.h>
#include <cuda_runtime.h>
#include <gmock/gmock.h>

#include <cmath>
#include <vector>

#include "tests/device/launch.h"

namespace simt::test {

// Not in an unnamed namespace, so that their shared variables are shared between translation units: the compiler puts
// no redzones around those.
template <class T, int kSize>
__device__ T sum_through_shared(T value) {
  __shared__ T values[kSize];
  __shared__ T total;
  values[threadIdx.x] = value;
  __syncthreads();
  if (threadIdx.x == 0) {
    total = 0;
    for (int i = 0; i < kSize; ++i) total += values[i];
  }
  __syncthreads();
  const T result = total;
  __syncthreads();
  return result;
}

inline __device__ float first_of_block(float value) {
  __shared__ float first;
  if (threadIdx.x == 0) first = value;
  __syncthreads();
  return first;
}

template <class T>
__global__ void reads_unwritten_of_template(T* out) {
  __shared__ T values[32];
  if (threadIdx.x != 3) values[threadIdx.x] = 1;
  __syncthreads();
  out[threadIdx.x] = values[threadIdx.x];
}

namespace {

__global__ void two_instantiations(float* out) {
  const float sum = sum_through_shared<float, 32>(static_cast<float>(threadIdx.x));
  const double twice = sum_through_shared<double, 32>(2.0 * threadIdx.x);
  out[threadIdx.x] = sum + static_cast<float>(twice) + first_of_block(1000 + static_cast<float>(threadIdx.x));
}

TEST(SharedMemory, EachInstantiationHasItsOwn) {
  std::vector<float> out(32);
  EXPECT_TRUE(same_in_all_schedules([&] {
    launch({2, 32}, two_instantiations, out.data());
    return out;
  }));
  EXPECT_EQ(out, std::vector<float>(32, 496 + 992 + 1000));
}

// Planted bugs: unwritten shared memory is read.

__global__ void reads_unwritten_static(float* out) {
  __shared__ float values[32];
  if (threadIdx.x != 3) values[threadIdx.x] = 1;
  __syncthreads();
  out[blockIdx.x * 32 + threadIdx.x] = values[threadIdx.x];
}

__global__ void writes_then_reads_next_block(float* out) {
  __shared__ float value;
  if (blockIdx.x == 0) value = 5;
  out[blockIdx.x] = value;
}

__global__ void reads_unwritten_dynamic(float* out) {
  SIMT_DYNAMIC_SHARED(float, values);
  if (threadIdx.x != 3) values[threadIdx.x] = 1;
  __syncthreads();
  out[blockIdx.x * 32 + threadIdx.x] = values[threadIdx.x];
}

__global__ void never_writes(float* out) {
  __shared__ float values[4];
  out[threadIdx.x] = values[threadIdx.x];
}

void expect_only_third_is_nan(const std::vector<float>& out) {
  for (std::size_t i = 0; i < out.size(); ++i) EXPECT_EQ(std::isnan(out[i]), i % 32 == 3) << i;
}

TEST(UnwrittenSharedMemory, OfStaticVariablesIsNaNInEveryBlock) {
  std::vector<float> out(96);
  launch({3, 32}, reads_unwritten_static, out.data());
  expect_only_third_is_nan(out);
}

TEST(UnwrittenSharedMemory, OfTemplatesIsNaN) {
  std::vector<float> out(32);
  launch({1, 32}, reads_unwritten_of_template<float>, out.data());
  expect_only_third_is_nan(out);
  std::vector<double> wide(32);
  launch({1, 32}, reads_unwritten_of_template<double>, wide.data());
  EXPECT_TRUE(std::isnan(wide[3]));
}

TEST(UnwrittenSharedMemory, OfDynamicMemoryIsNaNInEveryBlock) {
  std::vector<float> out(96);
  launch({3, 32, 128}, reads_unwritten_dynamic, out.data());
  expect_only_third_is_nan(out);
}

TEST(UnwrittenSharedMemory, DoesNotKeepWhatAnEarlierBlockWrote) {
  std::vector<float> out(2);
  launch({2, 1}, writes_then_reads_next_block, out.data());
  EXPECT_EQ(out[0], 5);
  EXPECT_TRUE(std::isnan(out[1]));
}

TEST(UnwrittenSharedMemory, ThatNobodyEverWritesIsNaN) {
  std::vector<float> out(4);
  launch({1, 4}, never_writes, out.data());
  for (const float value : out) EXPECT_TRUE(std::isnan(value));
}

TEST(UnwrittenSharedMemory, AfterAFaultIsNaNAgain) {
  std::vector<float> out(32);
  for (int round = 0; round < 2; ++round) {
    launch({1, 32}, reads_unwritten_static, out.data());
    expect_only_third_is_nan(out);
    EXPECT_THROW(launch({1, 1025}, reads_unwritten_static, out.data()), Fault);
  }
}

// Two variables of one name in one function, and a table that is no shared memory.
__global__ void scopes(int* out) {
  static const int table[] = {10, 20};
  int total = 0;
  {
    __shared__ int value;
    if (threadIdx.x == 0) value = table[0];
    __syncthreads();
    total += value;
  }
  {
    __shared__ int value;
    if (threadIdx.x == 0) value = table[1];
    __syncthreads();
    total += value;
  }
  out[threadIdx.x] = total;
}

TEST(SharedMemory, VariablesOfOneNameAreSeparate) {
  std::vector<int> out(64);
  launch({1, 64}, scopes, out.data());
  EXPECT_EQ(out, std::vector<int>(64, 30));
}

__global__ void keeps_over_grid_barrier(float* out) {
  __shared__ float mine[2];
  SIMT_DYNAMIC_SHARED(float, dynamic);
  if (threadIdx.x == 0) {
    mine[0] = static_cast<float>(blockIdx.x);
    dynamic[0] = 100 * static_cast<float>(blockIdx.x);
  }
  for (int i = 0; i < 3; ++i) cooperative_groups::this_grid().sync();
  out[blockIdx.x * 2 + threadIdx.x] = mine[threadIdx.x] + dynamic[0];
}

TEST(SharedMemory, OfResidentBlocksIsSeparate) {
  std::vector<float> out(8);
  launch({4, 2, 4, true}, keeps_over_grid_barrier, out.data());
  for (int block = 0; block < 4; ++block) {
    EXPECT_EQ(out[block * 2], 101.0f * static_cast<float>(block));
    EXPECT_TRUE(std::isnan(out[block * 2 + 1]));
  }
}

}  // namespace
}  // namespace simt::test
