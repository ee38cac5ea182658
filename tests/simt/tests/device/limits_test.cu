#include <cuda_runtime.h>
#include <gmock/gmock.h>

#include "tests/device/launch.h"

namespace simt::test {
namespace {

using ::testing::HasSubstr;

__global__ void nothing() {}

TEST(Limits, OfBlocks) {
  EXPECT_THAT(fault_of({1, 1025}, nothing), HasSubstr("kernel simt::test::nothing: block (1025,1,1) exceeds"));
  EXPECT_THAT(fault_of({1, dim3(32, 33)}, nothing), HasSubstr("block (32,33,1) has 1056 threads"));
  EXPECT_THAT(fault_of({1, dim3(1, 1, 65)}, nothing), HasSubstr("block (1,1,65) exceeds (1024,1024,64)"));
  EXPECT_THAT(fault_of({1, 0}, nothing), HasSubstr("block (0,1,1) is empty"));
  EXPECT_EQ(fault_of({1, dim3(16, 1, 64)}, nothing), "no fault");
}

TEST(Limits, OfTheGrid) {
  EXPECT_THAT(fault_of({dim3(1, 65536), 1}, nothing), HasSubstr("grid (1,65536,1) exceeds"));
  EXPECT_THAT(fault_of({dim3(1, 1, 65536), 1}, nothing), HasSubstr("grid (1,1,65536) exceeds"));
  EXPECT_THAT(fault_of({dim3(0x80000000u), 1}, nothing), HasSubstr("exceeds (2147483647,65535,65535)"));
  EXPECT_THAT(fault_of({dim3(1, 0), 1}, nothing), HasSubstr("grid (1,0,1) is empty"));
  EXPECT_EQ(fault_of({dim3(70000, 1), 1}, nothing), "no fault");
}

TEST(Limits, OfDynamicSharedMemory) {
  EXPECT_EQ(fault_of({1, 1, 48 * 1024}, nothing), "no fault");
  EXPECT_THAT(fault_of({1, 1, 48 * 1024 + 1}, nothing),
              HasSubstr("49153 bytes of dynamic shared memory asked for, allowed are 49152 (cudaFuncSetAttribute"));
  EXPECT_EQ(fault_of({1, 1, 227 * 1024, false, 227 * 1024}, nothing), "no fault");
  EXPECT_THAT(fault_of({1, 1, 227 * 1024 + 1, false, 500 * 1024}, nothing),
              HasSubstr("232449 bytes of shared memory asked for, a block has at most 232448"));
}

__global__ void uses_static(float* out) {
  __shared__ float values[256];
  values[threadIdx.x] = 1;
  out[threadIdx.x] = values[threadIdx.x];
}

TEST(Limits, OfStaticAndDynamicSharedMemoryTogether) {
  float out = 0;
  EXPECT_EQ(fault_of({1, 1, 47 * 1024}, uses_static, &out), "no fault");
  EXPECT_THAT(fault_of({1, 1, 47 * 1024 + 4}, uses_static, &out),
              HasSubstr("49156 bytes of static and dynamic shared memory, allowed are 49152"));
}

__global__ void goes_around_the_caches(float* out, bool shared) {
  SIMT_DYNAMIC_SHARED(float, values);
  values[0] = 1;
  __stwb(shared ? values : out, 2.0F);
  out[0] += __ldcg(shared ? values : out);
}

TEST(Limits, OfInstructionsForGlobalMemory) {
  float out = 0;
  EXPECT_EQ(fault_of({1, 1, 64}, goes_around_the_caches, &out, false), "no fault");
  EXPECT_EQ(out, 4.0F);
  EXPECT_THAT(fault_of({1, 1, 64}, goes_around_the_caches, &out, true),
              HasSubstr("__stwb() of shared memory, which is for global memory alone"));
}

}  // namespace
}  // namespace simt::test
