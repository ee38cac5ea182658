#include <cooperative_groups.h>

#include <string>

#include "support.h"

namespace simt_test {
namespace {

class LaunchTest : public RuntimeTest {};

struct Parameters {
  float* out;
  double factor;
};

template <int kTimes>
__global__ void scale_kernel(Parameters parameters) {
  if (threadIdx.x == 0) parameters.out[0] *= static_cast<float>(parameters.factor * kTimes);
}

__global__ void empty_kernel() {}

cudaError_t launch_empty(const cudaLaunchConfig_t& config) {
  return cudaLaunchKernelEx(&config, empty_kernel);
}

TEST_F(LaunchTest, PassesArgumentsByValueAndConvertsThem) {
  float* value = device_floats(1, 2);
  const cudaLaunchConfig_t config = config_for(1);
  ASSERT_EQ(cudaLaunchKernelEx(&config, scale_kernel<3>, Parameters{value, 0.5}), cudaSuccess);
  EXPECT_EQ(first_of(value), 3);
  ASSERT_EQ(cudaLaunchKernelEx(&config, add_kernel, value, 1, 1), cudaSuccess) << "an int for a float";
  EXPECT_EQ(first_of(value), 4);
  EXPECT_EQ(simt::counters().launches, 2U);
}

TEST_F(LaunchTest, TakesPackedArgumentsToo) {
  float* value = device_floats(1, 2);
  float amount = 5;
  int count = 1;
  void* arguments[] = {&value, &amount, &count};
  ASSERT_EQ(cudaLaunchKernel(add_kernel, dim3(1), dim3(32), arguments), cudaSuccess);
  ASSERT_EQ(cudaLaunchCooperativeKernel(add_kernel, dim3(1), dim3(32), arguments), cudaSuccess);
  EXPECT_EQ(first_of(value), 12);
}

TEST_F(LaunchTest, RefusesShapesThatNoDeviceTakes) {
  const dim3 bad_blocks[] = {dim3(0), dim3(1, 0), dim3(1025), dim3(32, 64), dim3(1, 1, 65), dim3(1, 1025)};
  for (const dim3 block : bad_blocks) {
    cudaLaunchConfig_t config = config_for(1);
    config.blockDim = block;
    EXPECT_EQ(launch_empty(config), cudaErrorInvalidConfiguration) << block.x << ' ' << block.y << ' ' << block.z;
  }
  const dim3 bad_grids[] = {dim3(0), dim3(1, 1, 0), dim3(0x80000000U), dim3(1, 65536), dim3(1, 1, 65536)};
  for (const dim3 grid : bad_grids) {
    cudaLaunchConfig_t config = config_for(1);
    config.gridDim = grid;
    EXPECT_EQ(launch_empty(config), cudaErrorInvalidConfiguration) << grid.x << ' ' << grid.y << ' ' << grid.z;
  }
  EXPECT_EQ(cudaGetLastError(), cudaErrorInvalidConfiguration);
  EXPECT_EQ(simt::counters().launches, 0U);
  cudaLaunchConfig_t config = config_for(1);
  config.blockDim = dim3(16, 16, 4);
  EXPECT_EQ(launch_empty(config), cudaSuccess);
}

TEST_F(LaunchTest, TakesMuchSharedMemoryOnlyOnRequest) {
  cudaLaunchConfig_t config = config_for(1);
  config.dynamicSmemBytes = 48 * 1024;
  EXPECT_EQ(launch_empty(config), cudaSuccess);
  config.dynamicSmemBytes = 100 * 1024;
  EXPECT_EQ(launch_empty(config), cudaErrorInvalidValue);
  constexpr auto kAttribute = cudaFuncAttributeMaxDynamicSharedMemorySize;
  EXPECT_EQ(cudaFuncSetAttribute(empty_kernel, kAttribute, 228 * 1024), cudaErrorInvalidValue);
  ASSERT_EQ(cudaFuncSetAttribute(empty_kernel, kAttribute, 100 * 1024), cudaSuccess);
  EXPECT_EQ(launch_empty(config), cudaSuccess);
  cudaFuncAttributes attributes{};
  ASSERT_EQ(cudaFuncGetAttributes(&attributes, empty_kernel), cudaSuccess);
  EXPECT_EQ(attributes.maxDynamicSharedSizeBytes, 100 * 1024);
  EXPECT_EQ(attributes.maxThreadsPerBlock, 1024);
  config.dynamicSmemBytes = 100 * 1024 + 1;
  EXPECT_EQ(launch_empty(config), cudaErrorInvalidValue);
  const cudaLaunchConfig_t other = [&] {
    cudaLaunchConfig_t same = config_for(1);
    same.dynamicSmemBytes = 100 * 1024;
    return same;
  }();
  float* value = device_floats(1);
  EXPECT_EQ(cudaLaunchKernelEx(&other, add_kernel, value, 1, 1), cudaErrorInvalidValue) << "another kernel's attribute";
}

TEST_F(LaunchTest, ModelsOccupancy) {
  const auto blocks = [](int threads, std::size_t shared) {
    int count = -1;
    EXPECT_EQ(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&count, empty_kernel, threads, shared), cudaSuccess);
    return count;
  };
  EXPECT_EQ(blocks(1024, 0), 2);
  EXPECT_EQ(blocks(256, 0), 8);
  EXPECT_EQ(blocks(33, 0), 32);
  EXPECT_EQ(blocks(32, 0), 32);
  EXPECT_EQ(blocks(256, 100 * 1024), 2);
  EXPECT_EQ(blocks(2048, 0), 0);
  int count = 0;
  EXPECT_EQ(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&count, empty_kernel, 0, 0), cudaErrorInvalidValue);
}

__device__ int arrivals = 0;

__global__ void count_arrivals_kernel(int* seen) {
  if (threadIdx.x == 0) atomicAdd(&arrivals, 1);
  cooperative_groups::this_grid().sync();
  if (threadIdx.x == 0) seen[blockIdx.x] = arrivals;
}

TEST_F(LaunchTest, KeepsAllBlocksOfACooperativeLaunchResident) {
  int* seen = nullptr;
  ASSERT_EQ(cudaMallocHost(&seen, 3 * sizeof(int)), cudaSuccess);
  cudaLaunchAttribute attribute{};
  attribute.id = cudaLaunchAttributeCooperative;
  attribute.val.cooperative = 1;
  cudaLaunchConfig_t config = config_for(3 * 32);
  config.attrs = &attribute;
  config.numAttrs = 1;
  arrivals = 0;
  ASSERT_EQ(cudaLaunchKernelEx(&config, count_arrivals_kernel, seen), cudaSuccess);
  EXPECT_EQ(seen[0], 3);
  EXPECT_EQ(seen[2], 3);
  config.gridDim = dim3(32 * 132 + 1);
  EXPECT_EQ(cudaLaunchKernelEx(&config, count_arrivals_kernel, seen), cudaErrorCooperativeLaunchTooLarge);
  simt::set_machine({.cooperative_launch = false});
  config.gridDim = dim3(3);
  EXPECT_EQ(cudaLaunchKernelEx(&config, count_arrivals_kernel, seen), cudaErrorNotSupported);
}

TEST_F(LaunchTest, KeepsToTheSharedMemoryOfTheMachine) {
  simt::set_machine({.shared_memory = 100 * 1024});
  int available = 0;
  ASSERT_EQ(cudaDeviceGetAttribute(&available, cudaDevAttrMaxSharedMemoryPerBlockOptin, 0), cudaSuccess);
  EXPECT_EQ(available, 100 * 1024);
  const auto attribute = cudaFuncAttributeMaxDynamicSharedMemorySize;
  EXPECT_EQ(cudaFuncSetAttribute(empty_kernel, attribute, available + 1), cudaErrorInvalidValue);
  EXPECT_EQ(cudaFuncSetAttribute(empty_kernel, attribute, available), cudaSuccess);
}

TEST_F(LaunchTest, IgnoresHintsAndRefusesClusters) {
  cudaLaunchAttribute attributes[2] = {};
  attributes[0].id = cudaLaunchAttributePriority;
  attributes[1].id = cudaLaunchAttributeAccessPolicyWindow;
  cudaLaunchConfig_t config = config_for(1);
  config.attrs = attributes;
  config.numAttrs = 2;
  EXPECT_EQ(launch_empty(config), cudaSuccess);
  attributes[0].id = cudaLaunchAttributeClusterDimension;
  attributes[0].val.clusterDim = {1, 1, 1};
  EXPECT_EQ(launch_empty(config), cudaSuccess);
  attributes[0].val.clusterDim.x = 2;
  EXPECT_EQ(launch_empty(config), cudaErrorNotSupported);
}

TEST_F(LaunchTest, KnowsItsKernelsByName) {
  const char* name = nullptr;
  ASSERT_EQ(cudaFuncGetName(&name, add_kernel), cudaSuccess);
  EXPECT_STREQ(name, "simt_test::add_kernel");
  ASSERT_EQ(cudaFuncGetName(&name, scale_kernel<3>), cudaSuccess);
  EXPECT_STREQ(name, "simt_test::scale_kernel<3>");
}

__global__ void divergent_kernel() {
  if (threadIdx.x < 16) __syncthreads();
  if (threadIdx.x >= 16) __syncthreads();
}

TEST_F(LaunchTest, LetsFaultsOfKernelsThroughToWhoeverMadeThemRun) {
  const cudaStream_t stream = new_stream();
  const cudaLaunchConfig_t config = config_for(1, stream);
  EXPECT_THROW(cudaLaunchKernelEx(&config, divergent_kernel), simt::Fault);
  simt::set_execution(simt::Execution::deferred);
  float* value = pinned_floats(1);
  ASSERT_EQ(cudaLaunchKernelEx(&config, divergent_kernel), cudaSuccess);
  ASSERT_EQ(add(value, 1, 1, stream), cudaSuccess);
  try {
    cudaStreamSynchronize(stream);
    FAIL() << "the fault was lost";
  } catch (const simt::Fault& fault) {
    EXPECT_NE(std::string(fault.what()).find("divergent_kernel"), std::string::npos) << fault.what();
  }
  // What was queued behind it is gone, so that destructors which wait and free do not throw.
  EXPECT_EQ(cudaStreamSynchronize(stream), cudaSuccess);
  EXPECT_EQ(value[0], 0);
  EXPECT_EQ(cudaFreeHost(value), cudaSuccess);
}

}  // namespace
}  // namespace simt_test
