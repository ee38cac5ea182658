#pragma once

#include <cuda_runtime.h>
#include <gtest/gtest.h>

#include <limits>
#include <vector>

#include "device/launch.h"
#include "runtime/control.h"

namespace simt_test {

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

/// Every test begins in a fresh process, as far as the runtime goes.
class RuntimeTest : public testing::Test {
 protected:
  RuntimeTest() { simt::reset(); }
  ~RuntimeTest() override { simt::reset(); }
};

__global__ inline void add_kernel(float* values, float amount, int count) {
  const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (i < count) values[i] += amount;
}

__global__ inline void copy_kernel(float* to, const float* from, int count) {
  const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (i < count) to[i] = from[i];
}

inline cudaLaunchConfig_t config_for(int count, cudaStream_t stream = nullptr) {
  cudaLaunchConfig_t config{};
  config.blockDim = dim3(32);
  config.gridDim = dim3(static_cast<unsigned>((count + 31) / 32));
  config.stream = stream;
  return config;
}

inline cudaError_t add(float* values, float amount, int count, cudaStream_t stream = nullptr) {
  const cudaLaunchConfig_t config = config_for(count, stream);
  return cudaLaunchKernelEx(&config, add_kernel, values, amount, count);
}

inline cudaError_t copy(float* to, const float* from, int count, cudaStream_t stream = nullptr) {
  const cudaLaunchConfig_t config = config_for(count, stream);
  return cudaLaunchKernelEx(&config, copy_kernel, to, from, count);
}

inline float* device_floats(int count, float value = 0) {
  float* pointer = nullptr;
  const std::vector<float> values(static_cast<std::size_t>(count), value);
  const std::size_t bytes = values.size() * sizeof(float);
  EXPECT_EQ(cudaMalloc(&pointer, bytes), cudaSuccess);
  EXPECT_EQ(cudaMemcpy(pointer, values.data(), bytes, cudaMemcpyHostToDevice), cudaSuccess);
  return pointer;
}

inline float* to_device(const std::vector<float>& values) {
  float* pointer = nullptr;
  EXPECT_EQ(cudaMalloc(&pointer, values.size() * sizeof(float)), cudaSuccess);
  EXPECT_EQ(cudaMemcpy(pointer, values.data(), values.size() * sizeof(float), cudaMemcpyHostToDevice), cudaSuccess);
  return pointer;
}

inline std::vector<float> from_device(const float* pointer, std::size_t count) {
  std::vector<float> values(count);
  EXPECT_EQ(cudaMemcpy(values.data(), pointer, count * sizeof(float), cudaMemcpyDeviceToHost), cudaSuccess);
  return values;
}

inline float* pinned_floats(int count, float value = 0) {
  float* pointer = nullptr;
  EXPECT_EQ(cudaMallocHost(&pointer, static_cast<std::size_t>(count) * sizeof(float)), cudaSuccess);
  for (int i = 0; i < count; ++i) pointer[i] = value;
  return pointer;
}

inline float first_of(const float* device_pointer) {
  float value = 0;
  EXPECT_EQ(cudaMemcpy(&value, device_pointer, sizeof value, cudaMemcpyDeviceToHost), cudaSuccess);
  return value;
}

inline cudaStream_t new_stream(unsigned flags = cudaStreamNonBlocking) {
  cudaStream_t stream = nullptr;
  EXPECT_EQ(cudaStreamCreateWithFlags(&stream, flags), cudaSuccess);
  return stream;
}

inline cudaEvent_t new_event(unsigned flags = cudaEventDefault) {
  cudaEvent_t event = nullptr;
  EXPECT_EQ(cudaEventCreateWithFlags(&event, flags), cudaSuccess);
  return event;
}

}  // namespace simt_test
