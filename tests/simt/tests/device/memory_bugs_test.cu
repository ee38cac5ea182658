#include <cuda_runtime.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <memory>

#include "tests/device/launch.h"

// Planted bugs that the sanitizers find. `extra` is what goes too far; without it the kernels are correct, which the
// tests check first. Pointers are opaque(), so that it is the redzone that is tested and not the declared size.
namespace simt::test {

template <class T>
T* opaque(T* pointer) {
  asm volatile("" : "+r"(pointer));
  return pointer;
}

template <class T>
__global__ void write_static_of_template(T* out, int extra) {
  __shared__ T before[8];
  __shared__ T values[32];
  __shared__ T after[8];
  before[threadIdx.x % 8] = after[threadIdx.x % 8] = 1;
  opaque(values)[static_cast<int>(threadIdx.x) + extra] = 1;
  __syncthreads();
  out[threadIdx.x] = values[threadIdx.x] + before[0] + after[0];
}

inline __device__ float through_inline_function(int index) {
  __shared__ float value;
  opaque(&value)[index] = 1;
  __syncthreads();
  return value;
}

namespace {

__global__ void write_global(float* out, int extra) {
  out[static_cast<int>(threadIdx.x) + extra] = 1;
}

__global__ void write_static(float* out, int extra) {
  __shared__ float values[32];
  opaque(values)[static_cast<int>(threadIdx.x) + extra] = 1;
  __syncthreads();
  out[threadIdx.x] = values[threadIdx.x];
}

__global__ void write_static_matrix(float* out, int extra) {
  __shared__ float values[4][8];
  values[threadIdx.x / 8][static_cast<int>(threadIdx.x % 8) + extra] = 1;
  __syncthreads();
  out[threadIdx.x] = values[threadIdx.x / 8][threadIdx.x % 8];
}

__global__ void write_static_inline(float* out, int extra) {
  out[threadIdx.x] = through_inline_function(extra);
}

__global__ void write_dynamic(float* out, int extra) {
  SIMT_DYNAMIC_SHARED(float, values);
  values[static_cast<int>(threadIdx.x) + extra] = 1;
  __syncthreads();
  out[threadIdx.x] = values[threadIdx.x];
}

__global__ void copy_vectors(float* out, const float* x, int extra) {
  reinterpret_cast<float4*>(out)[threadIdx.x] = reinterpret_cast<const float4*>(x + extra)[threadIdx.x];
}

__global__ void overflow_stack(float* out, int extra) {
  float local[8];
  opaque(local)[static_cast<int>(threadIdx.x % 8) + extra] = 1;
  __syncthreads();
  out[threadIdx.x] = local[threadIdx.x % 8];
}

__global__ void use_after_free(float* out, int) {
  out[threadIdx.x] = 1;
}

// Memory as the fake runtime hands it out.
using Buffer = std::unique_ptr<float, decltype(&std::free)>;
Buffer allocate(std::size_t count) {
  return Buffer(static_cast<float*>(std::malloc(count * sizeof(float))), &std::free);
}

void expect_caught(void (*kernel)(float*, int), int extra, const char* report, std::size_t shared_bytes = 0) {
  const Buffer out = allocate(32);
  launch({1, 32, shared_bytes}, kernel, out.get(), 0);
  EXPECT_DEATH(launch({1, 32, shared_bytes}, kernel, out.get(), extra), report);
}

TEST(MemoryBugDeathTest, GlobalMemory) {
  expect_caught(write_global, 1, "heap-buffer-overflow");
  expect_caught(write_global, -1, "heap-buffer-overflow");
}

TEST(MemoryBugDeathTest, GlobalMemoryThatIsFree) {
  Buffer out = allocate(32);
  float* dangling = out.get();
  out.reset();
  EXPECT_DEATH(launch({1, 32}, use_after_free, dangling, 0), "heap-use-after-free");
}

TEST(MemoryBugDeathTest, StaticSharedMemory) {
  for (const int extra : {1, 8}) expect_caught(write_static, extra, "global-buffer-overflow|use-after-poison");
}

TEST(MemoryBugDeathTest, StaticSharedMemoryWithinItsBounds) {
  expect_caught(write_static_matrix, 1, "out of bounds");
}

TEST(MemoryBugDeathTest, StaticSharedMemoryOfATemplate) {
  for (const int extra : {1, 8, -1, -8}) {
    expect_caught(write_static_of_template<float>, extra, "global-buffer-overflow|use-after-poison");
  }
}

TEST(MemoryBugDeathTest, StaticSharedMemoryOfAnInlineFunction) {
  expect_caught(write_static_inline, 1, "global-buffer-overflow|use-after-poison");
}

TEST(MemoryBugDeathTest, DynamicSharedMemory) {
  expect_caught(write_dynamic, 1, "heap-buffer-overflow", 32 * sizeof(float));
  expect_caught(write_dynamic, -1, "heap-buffer-overflow", 32 * sizeof(float));
}

TEST(MemoryBugDeathTest, LocalMemory) {
  expect_caught(overflow_stack, 1, "stack-buffer-overflow");
}

TEST(MemoryBugDeathTest, MisalignedVectors) {
  const Buffer x = allocate(132), out = allocate(128);
  std::fill_n(x.get(), 132, 1.0f);
  launch({1, 32}, copy_vectors, out.get(), x.get(), 4);
  EXPECT_DEATH(launch({1, 32}, copy_vectors, out.get(), x.get(), 1), "misaligned address");
}

}  // namespace
}  // namespace simt::test
