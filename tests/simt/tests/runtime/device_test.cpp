#include <cuda_profiler_api.h>

#include "support.h"

namespace simt_test {
namespace {

class Device : public RuntimeTest {};

TEST_F(Device, IsDescribed) {
  simt::set_machine({.devices = 2, .device_memory = 123456});
  int count = 0;
  ASSERT_EQ(cudaGetDeviceCount(&count), cudaSuccess);
  EXPECT_EQ(count, 2);
  cudaDeviceProp properties{};
  ASSERT_EQ(cudaGetDeviceProperties(&properties, 1), cudaSuccess);
  EXPECT_STREQ(properties.name, "Emulated device");
  EXPECT_EQ(properties.major, 9);
  EXPECT_EQ(properties.minor, 0);
  EXPECT_EQ(properties.warpSize, 32);
  EXPECT_EQ(properties.totalGlobalMem, 123456U);
  EXPECT_EQ(cudaGetDeviceProperties(&properties, 2), cudaErrorInvalidDevice);
  EXPECT_EQ(cudaGetDeviceProperties(&properties, -1), cudaErrorInvalidDevice);
}

TEST_F(Device, HasAttributesThatAgreeWithItsProperties) {
  cudaDeviceProp properties{};
  ASSERT_EQ(cudaGetDeviceProperties(&properties, 0), cudaSuccess);
  const auto attribute = [](cudaDeviceAttr which) {
    int value = -1;
    EXPECT_EQ(cudaDeviceGetAttribute(&value, which, 0), cudaSuccess);
    return value;
  };
  EXPECT_EQ(attribute(cudaDevAttrComputeCapabilityMajor), properties.major);
  EXPECT_EQ(attribute(cudaDevAttrMultiProcessorCount), properties.multiProcessorCount);
  EXPECT_EQ(attribute(cudaDevAttrMaxSharedMemoryPerBlockOptin), static_cast<int>(properties.sharedMemPerBlockOptin));
  EXPECT_EQ(attribute(cudaDevAttrMaxGridDimY), properties.maxGridSize[1]);
  EXPECT_EQ(attribute(cudaDevAttrCooperativeLaunch), 1);
  EXPECT_EQ(attribute(cudaDevAttrClusterLaunch), 0) << "launches with clusters are refused";
  int value = 0;
  EXPECT_EQ(cudaDeviceGetAttribute(&value, static_cast<cudaDeviceAttr>(11), 0), cudaErrorInvalidValue);
  EXPECT_EQ(cudaDeviceGetAttribute(&value, cudaDevAttrWarpSize, 1), cudaErrorInvalidDevice);
}

TEST_F(Device, IsChosen) {
  simt::set_machine({.devices = 2});
  int device = -1;
  ASSERT_EQ(cudaGetDevice(&device), cudaSuccess);
  EXPECT_EQ(device, 0);
  ASSERT_EQ(cudaSetDevice(1), cudaSuccess);
  ASSERT_EQ(cudaGetDevice(&device), cudaSuccess);
  EXPECT_EQ(device, 1);
  EXPECT_EQ(cudaSetDevice(2), cudaErrorInvalidDevice);
  EXPECT_EQ(cudaInitDevice(1, 0, 0), cudaSuccess);
  EXPECT_EQ(cudaInitDevice(2, 0, 0), cudaErrorInvalidDevice);
  EXPECT_EQ(cudaSetDeviceFlags(cudaDeviceScheduleBlockingSync), cudaSuccess);
}

TEST_F(Device, HasAPlaceOnTheBus) {
  char id[16] = {};
  ASSERT_EQ(cudaDeviceGetPCIBusId(id, sizeof id, 0), cudaSuccess);
  EXPECT_STREQ(id, "0000:01:00.0");
  EXPECT_EQ(cudaDeviceGetPCIBusId(id, 12, 0), cudaErrorInvalidValue);
}

TEST_F(Device, IsWaitedForAsAWhole) {
  for (const unsigned seed : {0U, 1U}) {
    simt::set_execution(simt::Execution::deferred, seed);
    float* value = pinned_floats(1);
    ASSERT_EQ(add(value, 1, 1, new_stream()), cudaSuccess);
    ASSERT_EQ(add(value, 1, 1, new_stream(cudaStreamDefault)), cudaSuccess);
    ASSERT_EQ(add(value, 1, 1, nullptr), cudaSuccess);
    EXPECT_EQ(value[0], 0);
    simt::reset_counters();
    ASSERT_EQ(cudaDeviceSynchronize(), cudaSuccess);
    EXPECT_EQ(value[0], 3);
    EXPECT_EQ(simt::counters().synchronisations, 1U);
  }
}

TEST_F(Device, ResetTakesEverythingWithIt) {
  float* pointer = device_floats(1);
  const cudaStream_t stream = new_stream();
  const cudaEvent_t event = new_event();
  ASSERT_EQ(cudaDeviceReset(), cudaSuccess);
  EXPECT_TRUE(simt::live().nothing());
  EXPECT_EQ(cudaFree(pointer), cudaErrorInvalidValue);
  EXPECT_EQ(cudaStreamSynchronize(stream), cudaErrorInvalidResourceHandle);
  EXPECT_EQ(cudaEventDestroy(event), cudaErrorInvalidResourceHandle);
  EXPECT_EQ(first_of(device_floats(1, 2)), 2) << "and the device works on";
}

TEST_F(Device, CanBeProfiled) {
  EXPECT_EQ(cudaProfilerStart(), cudaSuccess);
  EXPECT_EQ(cudaProfilerStop(), cudaSuccess);
}

}  // namespace
}  // namespace simt_test
