#include <cublas_v2.h>

#include "support.h"

namespace simt_test {
namespace {

class Errors : public RuntimeTest {
 protected:
  int count_ = -1;
};

TEST_F(Errors, AreRememberedUntilTheyAreTaken) {
  EXPECT_EQ(cudaGetLastError(), cudaSuccess);
  EXPECT_EQ(cudaSetDevice(9), cudaErrorInvalidDevice);
  EXPECT_EQ(cudaSetDevice(0), cudaSuccess);
  EXPECT_EQ(cudaPeekAtLastError(), cudaErrorInvalidDevice);
  EXPECT_EQ(cudaPeekAtLastError(), cudaErrorInvalidDevice);
  EXPECT_EQ(cudaGetLastError(), cudaErrorInvalidDevice);
  EXPECT_EQ(cudaGetLastError(), cudaSuccess);
}

TEST_F(Errors, HaveNamesAndWords) {
  EXPECT_STREQ(cudaGetErrorName(cudaErrorStreamCaptureUnjoined), "cudaErrorStreamCaptureUnjoined");
  EXPECT_STREQ(cudaGetErrorString(cudaErrorMemoryAllocation), "out of memory");
  EXPECT_STREQ(cudaGetErrorName(static_cast<cudaError_t>(1001)), "unrecognized error code");
  EXPECT_STREQ(cudaGetErrorString(static_cast<cudaError_t>(1001)), "unrecognized error code");
}

TEST_F(Errors, WithoutADriver) {
  simt::set_machine({.driver_version = 0});
  EXPECT_EQ(cudaGetDeviceCount(&count_), cudaErrorInsufficientDriver);
  EXPECT_EQ(cudaGetLastError(), cudaErrorInsufficientDriver);
  EXPECT_EQ(cudaGetLastError(), cudaSuccess);
  int version = -1;
  EXPECT_EQ(cudaDriverGetVersion(&version), cudaSuccess);
  EXPECT_EQ(version, 0);
  EXPECT_EQ(cudaRuntimeGetVersion(&version), cudaSuccess);
  EXPECT_EQ(version, 13000);
  void* pointer = nullptr;
  EXPECT_EQ(cudaMalloc(&pointer, 4), cudaErrorInsufficientDriver);
  cublasHandle_t handle = nullptr;
  EXPECT_EQ(cublasCreate(&handle), CUBLAS_STATUS_NOT_INITIALIZED);
}

TEST_F(Errors, WithADriverThatIsTooOld) {
  simt::set_machine({.driver_version = 12040});
  EXPECT_EQ(cudaGetDeviceCount(&count_), cudaErrorInsufficientDriver);
  int version = -1;
  EXPECT_EQ(cudaDriverGetVersion(&version), cudaSuccess);
  EXPECT_EQ(version, 12040);
}

TEST_F(Errors, WithoutADevice) {
  simt::set_machine({.devices = 0});
  EXPECT_EQ(cudaGetDeviceCount(&count_), cudaErrorNoDevice);
  EXPECT_EQ(cudaSetDevice(0), cudaErrorNoDevice);
}

TEST_F(Errors, WithoutAKernelImage) {
  simt::set_machine({.has_kernel_image = false});
  float* value = device_floats(1);
  cudaFuncAttributes attributes{};
  EXPECT_EQ(add(value, 1, 1), cudaErrorNoKernelImageForDevice);
  EXPECT_EQ(cudaFuncGetAttributes(&attributes, add_kernel), cudaErrorNoKernelImageForDevice);
  EXPECT_EQ(cudaFuncSetAttribute(add_kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, 4),
            cudaErrorNoKernelImageForDevice);
  EXPECT_EQ(cudaGetLastError(), cudaErrorNoKernelImageForDevice);
  EXPECT_EQ(cudaGetLastError(), cudaSuccess);
  EXPECT_EQ(first_of(value), 0) << "copies need no kernel";
}

TEST_F(Errors, OfALostDeviceStick) {
  simt::set_execution(simt::Execution::deferred);
  const cudaStream_t stream = new_stream();
  float* value = pinned_floats(1);
  simt::lose_device_after_work(2);
  for (int i = 0; i < 5; ++i) ASSERT_EQ(add(value, 1, 1, stream), cudaSuccess);
  EXPECT_EQ(cudaStreamSynchronize(stream), cudaErrorLaunchFailure);
  EXPECT_EQ(value[0], 2) << "what came before it was lost has run, and nothing since";
  EXPECT_EQ(cudaGetLastError(), cudaErrorLaunchFailure);
  EXPECT_EQ(cudaGetLastError(), cudaErrorLaunchFailure);
  EXPECT_EQ(cudaPeekAtLastError(), cudaErrorLaunchFailure);
  EXPECT_EQ(cudaFreeHost(value), cudaErrorLaunchFailure);
  EXPECT_EQ(cudaStreamDestroy(stream), cudaErrorLaunchFailure);
  EXPECT_EQ(cudaDeviceReset(), cudaErrorLaunchFailure);
  simt::reset();
  EXPECT_EQ(cudaGetLastError(), cudaSuccess);
}

TEST_F(Errors, OfALostDeviceComeInTheMiddleOfAGraph) {
  const cudaStream_t stream = new_stream();
  float* value = pinned_floats(1);
  cudaGraph_t graph = nullptr;
  cudaGraphExec_t exec = nullptr;
  ASSERT_EQ(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal), cudaSuccess);
  for (int i = 0; i < 3; ++i) ASSERT_EQ(add(value, 1, 1, stream), cudaSuccess);
  ASSERT_EQ(cudaStreamEndCapture(stream, &graph), cudaSuccess);
  ASSERT_EQ(cudaGraphInstantiate(&exec, graph), cudaSuccess);
  simt::lose_device_after_work(4);
  EXPECT_EQ(cudaGraphLaunch(exec, stream), cudaSuccess);
  EXPECT_EQ(cudaGraphLaunch(exec, stream), cudaErrorLaunchFailure);
  EXPECT_EQ(value[0], 4);
}

TEST_F(Errors, OfALostDeviceCanComeWithAnyCall) {
  void* pointer = nullptr;
  simt::lose_device_after_calls(1);
  EXPECT_EQ(cudaMalloc(&pointer, 4), cudaSuccess);
  EXPECT_EQ(cudaGetDeviceCount(&count_), cudaErrorLaunchFailure);
  EXPECT_EQ(cudaFree(pointer), cudaErrorLaunchFailure);
}

}  // namespace
}  // namespace simt_test
