#include <cublas_v2.h>

#include <cmath>
#include <cstdint>
#include <functional>
#include <string>

#include "support.h"

namespace simt_test {
namespace {

class Cublas : public RuntimeTest {
 protected:
  Cublas() { EXPECT_EQ(cublasCreate(&handle_), CUBLAS_STATUS_SUCCESS); }

  cublasStatus_t multiply(float* c, const float* a, const float* b, int size, float alpha = 1, float beta = 0) {
    return cublasSgemm(handle_, CUBLAS_OP_N, CUBLAS_OP_N, size, size, size, &alpha, a, size, b, size, &beta, c, size);
  }

  cublasHandle_t handle_ = nullptr;
};

TEST_F(Cublas, StoresMatricesByColumns) {
  // A = [1 2; 3 4], B = [5 6; 7 8]: A B = [19 22; 43 50], and A^T B = [26 30; 38 44].
  const float* a = to_device({1, 3, 2, 4});
  const float* b = to_device({5, 7, 6, 8});
  float* c = device_floats(4, kNaN);
  ASSERT_EQ(multiply(c, a, b, 2), CUBLAS_STATUS_SUCCESS);
  EXPECT_EQ(from_device(c, 4), (std::vector<float>{19, 43, 22, 50}));
  const float alpha = 2, beta = 10;
  c = to_device({1, 1, 1, 1});
  ASSERT_EQ(cublasSgemm_64(handle_, CUBLAS_OP_T, CUBLAS_OP_N, 2, 2, 2, &alpha, a, 2, b, 2, &beta, c, 2),
            CUBLAS_STATUS_SUCCESS);
  EXPECT_EQ(from_device(c, 4), (std::vector<float>{62, 86, 70, 98}));
  EXPECT_EQ(simt::counters().gemms, 2U);
  EXPECT_EQ(simt::counters().launches, 0U);
}

TEST_F(Cublas, ChecksItsArguments) {
  float* c = device_floats(64);
  const float* a = device_floats(64);
  const float one = 1;
  struct Case {
    int m, n, k, lda, ldb, ldc;
    cublasOperation_t transa, transb;
  };
  const Case bad[] = {
      {-1, 2, 3, 4, 4, 4, CUBLAS_OP_N, CUBLAS_OP_N}, {2, -1, 3, 4, 4, 4, CUBLAS_OP_N, CUBLAS_OP_N},
      {2, 3, -1, 4, 4, 4, CUBLAS_OP_N, CUBLAS_OP_N}, {4, 2, 3, 3, 3, 4, CUBLAS_OP_N, CUBLAS_OP_N},
      {2, 2, 4, 3, 4, 2, CUBLAS_OP_T, CUBLAS_OP_N},  {2, 2, 4, 2, 3, 2, CUBLAS_OP_N, CUBLAS_OP_N},
      {2, 4, 2, 2, 3, 2, CUBLAS_OP_N, CUBLAS_OP_T},  {4, 2, 2, 4, 2, 3, CUBLAS_OP_N, CUBLAS_OP_N},
      {0, 2, 2, 0, 2, 1, CUBLAS_OP_N, CUBLAS_OP_N},  {2, 2, 2, 2, 2, 2, static_cast<cublasOperation_t>(3), CUBLAS_OP_N},
  };
  for (const Case& x : bad) {
    EXPECT_EQ(cublasSgemm(handle_, x.transa, x.transb, x.m, x.n, x.k, &one, a, x.lda, a, x.ldb, &one, c, x.ldc),
              CUBLAS_STATUS_INVALID_VALUE)
        << x.m << ' ' << x.n << ' ' << x.k << ' ' << x.lda << ' ' << x.ldb << ' ' << x.ldc;
  }
  EXPECT_EQ(cublasSgemm(handle_, CUBLAS_OP_N, CUBLAS_OP_N, 2, 2, 2, nullptr, a, 2, a, 2, &one, c, 2),
            CUBLAS_STATUS_INVALID_VALUE);
  EXPECT_EQ(cublasSgemm(nullptr, CUBLAS_OP_N, CUBLAS_OP_N, 2, 2, 2, &one, a, 2, a, 2, &one, c, 2),
            CUBLAS_STATUS_NOT_INITIALIZED);
  EXPECT_EQ(cublasSgemm(handle_, CUBLAS_OP_N, CUBLAS_OP_N, 0, 2, 2, &one, a, 1, a, 2, &one, c, 1),
            CUBLAS_STATUS_SUCCESS);
  EXPECT_EQ(simt::counters().gemms, 0U);
}

std::string fault_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const simt::Fault& fault) {
    return fault.what();
  }
  return "no fault";
}

TEST_F(Cublas, NamesTheOperandThatIsNotThere) {
  float* c = device_floats(4);
  const float* a = device_floats(4);
  const float* b = device_floats(3);
  const std::vector<float> host(4);
  EXPECT_EQ(fault_of([&] { multiply(c, a, b, 2); }),
            "B of a matrix product takes 16 bytes where its allocation has 12 left");
  EXPECT_EQ(fault_of([&] { multiply(c, host.data(), a, 2); }),
            "A of a matrix product is not in live device or pinned memory: freed, or never allocated");
  EXPECT_EQ(fault_of([&] { multiply(c + 1, a, a, 2); }),
            "C of a matrix product takes 16 bytes where its allocation has 12 left");
  EXPECT_EQ(fault_of([&] { multiply(c, c, a, 2); }), "C and A of a matrix product overlap");
}

TEST_F(Cublas, PropagatesNaNAndReadsOnlyWhatItMust) {
  const float* ones = device_floats(4, 1);
  const float* nans = to_device({kNaN, 1, 1, 1});
  float* c = device_floats(4, kNaN);
  ASSERT_EQ(multiply(c, ones, nans, 2, 1, 0), CUBLAS_STATUS_SUCCESS);
  EXPECT_TRUE(std::isnan(from_device(c, 4)[0]));
  EXPECT_EQ(from_device(c, 4)[3], 2) << "beta = 0 does not read C";
  c = device_floats(4, 3);
  ASSERT_EQ(multiply(c, ones, nans, 2, 0, 2), CUBLAS_STATUS_SUCCESS);
  EXPECT_EQ(from_device(c, 4), (std::vector<float>{6, 6, 6, 6})) << "alpha = 0 does not read B";
  c = device_floats(4, kNaN);
  ASSERT_EQ(multiply(c, ones, ones, 2, 1, 1), CUBLAS_STATUS_SUCCESS);
  EXPECT_TRUE(std::isnan(from_device(c, 4)[0])) << "beta = 1 does";
}

TEST_F(Cublas, ReadsItsFactorsWhereThePointerModeSays) {
  simt::set_execution(simt::Execution::deferred);
  float* one = device_floats(1, 1);
  const float* a = device_floats(1, 3);
  float* c = device_floats(1);
  float alpha = 2;
  const float beta = 0;
  ASSERT_EQ(cublasSgemm(handle_, CUBLAS_OP_N, CUBLAS_OP_N, 1, 1, 1, &alpha, a, 1, a, 1, &beta, c, 1),
            CUBLAS_STATUS_SUCCESS);
  alpha = 100;
  EXPECT_EQ(first_of(c), 18) << "a host factor is read by the call";
  ASSERT_EQ(cublasSetPointerMode(handle_, CUBLAS_POINTER_MODE_DEVICE), CUBLAS_STATUS_SUCCESS);
  ASSERT_EQ(cublasSgemm(handle_, CUBLAS_OP_N, CUBLAS_OP_N, 1, 1, 1, one, a, 1, a, 1, one, c, 1), CUBLAS_STATUS_SUCCESS);
  EXPECT_EQ(first_of(c), 27);
  ASSERT_EQ(cublasSgemm(handle_, CUBLAS_OP_N, CUBLAS_OP_N, 1, 1, 1, &alpha, a, 1, a, 1, one, c, 1),
            CUBLAS_STATUS_SUCCESS);
  EXPECT_EQ(fault_of([] { cudaDeviceSynchronize(); }),
            "alpha is not in live device or pinned memory: freed, or never allocated");
}

TEST_F(Cublas, SettingTheStreamForgetsTheWorkspace) {
  const cudaStream_t stream = new_stream();
  float* workspace = device_floats(4096, 0);
  const float* a = device_floats(4, 1);
  float* c = device_floats(4);
  const auto capture = [&] {
    cudaGraph_t graph = nullptr;
    EXPECT_EQ(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal), cudaSuccess);
    EXPECT_EQ(multiply(c, a, a, 2), CUBLAS_STATUS_SUCCESS);
    EXPECT_EQ(cudaStreamEndCapture(stream, &graph), cudaSuccess);
    return graph;
  };
  ASSERT_EQ(cublasSetStream(handle_, stream), CUBLAS_STATUS_SUCCESS);
  ASSERT_EQ(cublasSetWorkspace(handle_, workspace, 16384), CUBLAS_STATUS_SUCCESS);
  const cudaGraph_t graph = capture();
  EXPECT_EQ(simt::counters().default_workspace_captures, 0U);
  cudaGraphExec_t exec = nullptr;
  ASSERT_EQ(cudaGraphInstantiate(&exec, graph), cudaSuccess);
  ASSERT_EQ(cudaGraphLaunch(exec, stream), cudaSuccess);
  EXPECT_EQ(first_of(c), 2);
  EXPECT_EQ(simt::counters().gemms, 1U) << "in the graph; capturing is not computing";
  EXPECT_TRUE(std::isnan(first_of(workspace))) << "the library has written into its workspace";
  ASSERT_EQ(cublasSetStream(handle_, stream), CUBLAS_STATUS_SUCCESS);
  capture();
  EXPECT_EQ(simt::counters().default_workspace_captures, 1U);
}

TEST_F(Cublas, WantsAnAlignedAndLiveWorkspace) {
  float* workspace = device_floats(1024);
  const float* a = device_floats(4, 1);
  float* c = device_floats(4);
  EXPECT_EQ(cublasSetWorkspace(handle_, workspace + 1, 256), CUBLAS_STATUS_INVALID_VALUE);
  ASSERT_EQ(cublasSetWorkspace(handle_, workspace, 8192), CUBLAS_STATUS_SUCCESS);
  EXPECT_EQ(fault_of([&] { multiply(c, a, a, 2); }),
            "the workspace of cuBLAS takes 8192 bytes where its allocation has 4096 left");
}

TEST_F(Cublas, MultipliesBatches) {
  const float* a = to_device({1, 2, 3});
  const float* b = to_device({4});
  float* c = device_floats(6, 7);
  const float one = 1, zero = 0;
  ASSERT_EQ(
      cublasSgemmStridedBatched(handle_, CUBLAS_OP_N, CUBLAS_OP_N, 1, 1, 1, &one, a, 1, 1, b, 1, 0, &zero, c, 1, 2, 3),
      CUBLAS_STATUS_SUCCESS);
  EXPECT_EQ(from_device(c, 6), (std::vector<float>{4, 7, 8, 7, 12, 7}));
  EXPECT_EQ(simt::counters().gemms, 1U);
  EXPECT_EQ(
      cublasSgemmStridedBatched(handle_, CUBLAS_OP_N, CUBLAS_OP_N, 1, 1, 1, &one, a, 1, 1, b, 1, 0, &zero, c, 1, 2, -1),
      CUBLAS_STATUS_INVALID_VALUE);
}

TEST_F(Cublas, MultipliesVectors) {
  // A = [1 2 3; 4 5 6]
  const float* a = to_device({1, 4, 2, 5, 3, 6});
  const float one = 1, ten = 10, zero = 0;
  const float* x = to_device({1, 0, 1, 0, 2});
  float* y = device_floats(2, 1);
  ASSERT_EQ(cublasSgemv(handle_, CUBLAS_OP_N, 2, 3, &one, a, 2, x, 2, &ten, y, 1), CUBLAS_STATUS_SUCCESS);
  EXPECT_EQ(from_device(y, 2), (std::vector<float>{19, 31}));
  float* reversed = device_floats(3, kNaN);
  ASSERT_EQ(cublasSgemv(handle_, CUBLAS_OP_T, 2, 3, &one, a, 2, to_device({1, 2}), 1, &zero, reversed, -1),
            CUBLAS_STATUS_SUCCESS);
  EXPECT_EQ(from_device(reversed, 3), (std::vector<float>{15, 12, 9}));
  EXPECT_EQ(cublasSgemv(handle_, CUBLAS_OP_N, 2, 3, &one, a, 1, x, 1, &one, y, 1), CUBLAS_STATUS_INVALID_VALUE);
  EXPECT_EQ(cublasSgemv(handle_, CUBLAS_OP_N, 2, 3, &one, a, 2, x, 0, &one, y, 1), CUBLAS_STATUS_INVALID_VALUE);
  EXPECT_EQ(fault_of([&] { cublasSgemv(handle_, CUBLAS_OP_N, 2, 3, &one, a, 2, x, 3, &one, y, 1); }),
            "x of a matrix-vector product takes 28 bytes where its allocation has 20 left");
}

TEST_F(Cublas, RoundsOnlyWhereItIsAllowedTo) {
  // 1 + 2^-12 is a float, but neither a TF32 nor a bfloat16 number.
  const float fine = 1.0F + 0x1p-12F;
  const float* a = device_floats(1, fine);
  const float* b = device_floats(1, 1);
  float* c = device_floats(1);
  const float one = 1, zero = 0;
  const auto multiply_ex = [&](cublasComputeType_t compute) {
    return cublasGemmEx(handle_, CUBLAS_OP_N, CUBLAS_OP_N, 1, 1, 1, &one, a, CUDA_R_32F, 1, b, CUDA_R_32F, 1, &zero, c,
                        CUDA_R_32F, 1, compute, CUBLAS_GEMM_DEFAULT);
  };
  ASSERT_EQ(multiply_ex(CUBLAS_COMPUTE_32F), CUBLAS_STATUS_SUCCESS);
  EXPECT_EQ(first_of(c), fine);
  ASSERT_EQ(multiply_ex(CUBLAS_COMPUTE_32F_FAST_TF32), CUBLAS_STATUS_SUCCESS);
  EXPECT_EQ(first_of(c), 1);
  ASSERT_EQ(multiply_ex(CUBLAS_COMPUTE_32F_FAST_16BF), CUBLAS_STATUS_SUCCESS);
  EXPECT_EQ(first_of(c), 1);
  EXPECT_EQ(multiply_ex(static_cast<cublasComputeType_t>(70)), CUBLAS_STATUS_NOT_SUPPORTED);
  ASSERT_EQ(multiply(c, a, b, 1), CUBLAS_STATUS_SUCCESS);
  EXPECT_EQ(first_of(c), fine);
  ASSERT_EQ(cublasSetMathMode(handle_, CUBLAS_TF32_TENSOR_OP_MATH), CUBLAS_STATUS_SUCCESS);
  ASSERT_EQ(multiply(c, a, b, 1), CUBLAS_STATUS_SUCCESS);
  EXPECT_EQ(first_of(c), 1);
}

TEST_F(Cublas, TakesBfloat16) {
  const std::uint16_t values[] = {0x3F80, 0x4000, 0x4040, 0x4080};  // 1 2 3 4
  std::uint16_t* a = nullptr;
  std::uint16_t* result = nullptr;
  ASSERT_EQ(cudaMalloc(&a, sizeof values), cudaSuccess);
  ASSERT_EQ(cudaMalloc(&result, sizeof values), cudaSuccess);
  ASSERT_EQ(cudaMemcpy(a, values, sizeof values, cudaMemcpyHostToDevice), cudaSuccess);
  float* c = device_floats(4);
  const float one = 1, zero = 0;
  const auto square = [&](void* out, cudaDataType type) {
    return cublasGemmEx(handle_, CUBLAS_OP_N, CUBLAS_OP_N, 2, 2, 2, &one, a, CUDA_R_16BF, 2, a, CUDA_R_16BF, 2, &zero,
                        out, type, 2, CUBLAS_COMPUTE_32F, CUBLAS_GEMM_DEFAULT);
  };
  ASSERT_EQ(square(c, CUDA_R_32F), CUBLAS_STATUS_SUCCESS);
  EXPECT_EQ(from_device(c, 4), (std::vector<float>{7, 10, 15, 22}));
  ASSERT_EQ(square(result, CUDA_R_16BF), CUBLAS_STATUS_SUCCESS);
  std::uint16_t rounded[4] = {};
  ASSERT_EQ(cudaMemcpy(rounded, result, sizeof rounded, cudaMemcpyDeviceToHost), cudaSuccess);
  EXPECT_EQ(rounded[3], 0x41B0) << "22";
  EXPECT_EQ(square(c, CUDA_R_64F), CUBLAS_STATUS_NOT_SUPPORTED);
}

TEST_F(Cublas, RemembersItsSettings) {
  const cudaStream_t stream = new_stream();
  cudaStream_t found = nullptr;
  cublasMath_t math = CUBLAS_TENSOR_OP_MATH;
  cublasPointerMode_t pointers = CUBLAS_POINTER_MODE_DEVICE;
  cublasAtomicsMode_t atomics = CUBLAS_ATOMICS_ALLOWED;
  int version = 0;
  EXPECT_EQ(cublasGetMathMode(handle_, &math), CUBLAS_STATUS_SUCCESS);
  EXPECT_EQ(math, CUBLAS_DEFAULT_MATH);
  EXPECT_EQ(cublasGetPointerMode(handle_, &pointers), CUBLAS_STATUS_SUCCESS);
  EXPECT_EQ(pointers, CUBLAS_POINTER_MODE_HOST);
  EXPECT_EQ(cublasGetAtomicsMode(handle_, &atomics), CUBLAS_STATUS_SUCCESS);
  EXPECT_EQ(atomics, CUBLAS_ATOMICS_NOT_ALLOWED);
  EXPECT_EQ(cublasSetStream(handle_, stream), CUBLAS_STATUS_SUCCESS);
  EXPECT_EQ(cublasGetStream(handle_, &found), CUBLAS_STATUS_SUCCESS);
  EXPECT_EQ(found, stream);
  EXPECT_EQ(cublasGetVersion(handle_, &version), CUBLAS_STATUS_SUCCESS);
  EXPECT_EQ(version, 130100);
  EXPECT_EQ(cublasSetMathMode(handle_, static_cast<cublasMath_t>(5)), CUBLAS_STATUS_INVALID_VALUE);
  EXPECT_STREQ(cublasGetStatusName(CUBLAS_STATUS_ALLOC_FAILED), "CUBLAS_STATUS_ALLOC_FAILED");
  EXPECT_STREQ(cublasGetStatusString(CUBLAS_STATUS_INVALID_VALUE), "invalid argument");
  EXPECT_EQ(simt::live().cublas_handles, 1U);
  EXPECT_EQ(cublasDestroy(handle_), CUBLAS_STATUS_SUCCESS);
  EXPECT_EQ(cublasDestroy(handle_), CUBLAS_STATUS_NOT_INITIALIZED);
  EXPECT_EQ(cublasSetStream(handle_, stream), CUBLAS_STATUS_NOT_INITIALIZED);
  EXPECT_EQ(simt::live().cublas_handles, 0U);
}

TEST_F(Cublas, FailsWhereTheDeviceDoes) {
  const float* a = device_floats(1);
  float* c = device_floats(1);
  const cudaStream_t stream = new_stream();
  ASSERT_EQ(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal), cudaSuccess);
  cublasHandle_t second = nullptr;
  EXPECT_EQ(cublasCreate(&second), CUBLAS_STATUS_ALLOC_FAILED);
  cudaGraph_t graph = nullptr;
  EXPECT_EQ(cudaStreamEndCapture(stream, &graph), cudaErrorStreamCaptureInvalidated);
  simt::set_machine({.has_kernel_image = false});
  EXPECT_EQ(multiply(c, a, a, 1), CUBLAS_STATUS_ARCH_MISMATCH);
  simt::set_machine({});
  ASSERT_EQ(cublasSetStream(handle_, stream), CUBLAS_STATUS_SUCCESS);
  ASSERT_EQ(cudaStreamDestroy(stream), cudaSuccess);
  EXPECT_EQ(multiply(c, a, a, 1), CUBLAS_STATUS_EXECUTION_FAILED) << "its stream is gone";
  ASSERT_EQ(cublasSetStream(handle_, nullptr), CUBLAS_STATUS_SUCCESS);
  simt::lose_device_after_work(0);
  multiply(c, a, a, 1);
  EXPECT_EQ(multiply(c, a, a, 1), CUBLAS_STATUS_EXECUTION_FAILED);
  EXPECT_EQ(cudaDeviceSynchronize(), cudaErrorLaunchFailure);
}

}  // namespace
}  // namespace simt_test
