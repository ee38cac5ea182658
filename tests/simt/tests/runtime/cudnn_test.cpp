#include <cudnn.h>

#include <bit>
#include <cmath>
#include <functional>
#include <string>

#include "support.h"

namespace simt_test {
namespace {

constexpr float kOne = 1, kZero = 0;
constexpr auto kForward = CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_GEMM;
constexpr auto kData = CUDNN_CONVOLUTION_BWD_DATA_ALGO_1;
constexpr auto kFilter = CUDNN_CONVOLUTION_BWD_FILTER_ALGO_1;

/// One sample of 1 x 3 x 3, two filters of 2 x 2, stride 2, padding 1: y is 1 x 2 x 2 x 2.
class Cudnn : public RuntimeTest {
 protected:
  Cudnn() {
    EXPECT_EQ(cudnnCreate(&handle_), CUDNN_STATUS_SUCCESS);
    EXPECT_EQ(cudnnCreateTensorDescriptor(&x_), CUDNN_STATUS_SUCCESS);
    EXPECT_EQ(cudnnCreateTensorDescriptor(&y_), CUDNN_STATUS_SUCCESS);
    EXPECT_EQ(cudnnCreateFilterDescriptor(&w_), CUDNN_STATUS_SUCCESS);
    EXPECT_EQ(cudnnCreateConvolutionDescriptor(&convolution_), CUDNN_STATUS_SUCCESS);
    EXPECT_EQ(cudnnSetTensor4dDescriptor(x_, CUDNN_TENSOR_NCHW, CUDNN_DATA_FLOAT, 1, 1, 3, 3), CUDNN_STATUS_SUCCESS);
    EXPECT_EQ(cudnnSetTensor4dDescriptor(y_, CUDNN_TENSOR_NCHW, CUDNN_DATA_FLOAT, 1, 2, 2, 2), CUDNN_STATUS_SUCCESS);
    EXPECT_EQ(cudnnSetFilter4dDescriptor(w_, CUDNN_DATA_FLOAT, CUDNN_TENSOR_NCHW, 2, 1, 2, 2), CUDNN_STATUS_SUCCESS);
    EXPECT_EQ(
        cudnnSetConvolution2dDescriptor(convolution_, 1, 1, 2, 2, 1, 1, CUDNN_CROSS_CORRELATION, CUDNN_DATA_FLOAT),
        CUDNN_STATUS_SUCCESS);
    EXPECT_EQ(cudnnSetConvolutionMathType(convolution_, CUDNN_FMA_MATH), CUDNN_STATUS_SUCCESS);
  }

  cudnnStatus_t forward(const float* x, const float* w, float* y, float beta = 0) {
    return cudnnConvolutionForward(handle_, &kOne, x_, x, w_, w, convolution_, kForward, nullptr, 0, &beta, y_, y);
  }
  cudnnStatus_t to_filter(const float* x, const float* dy, float* dw, void* workspace, std::size_t bytes,
                          cudnnConvolutionBwdFilterAlgo_t algorithm = kFilter) {
    return cudnnConvolutionBackwardFilter(handle_, &kOne, x_, x, y_, dy, convolution_, algorithm, workspace, bytes,
                                          &kZero, w_, dw);
  }

  const std::vector<float> image_{1, 2, 3, 4, 5, 6, 7, 8, 9};
  const std::vector<float> filters_{1, 10, 100, 1000, 0, 0, 0, 1};
  cudnnHandle_t handle_ = nullptr;
  cudnnTensorDescriptor_t x_ = nullptr, y_ = nullptr;
  cudnnFilterDescriptor_t w_ = nullptr;
  cudnnConvolutionDescriptor_t convolution_ = nullptr;
};

TEST_F(Cudnn, Convolves) {
  float* y = device_floats(8, kNaN);
  ASSERT_EQ(forward(to_device(image_), to_device(filters_), y), CUDNN_STATUS_SUCCESS);
  // The windows' upper left corners lie at -1 and 1.
  EXPECT_EQ(from_device(y, 8), (std::vector<float>{1000, 3200, 7040, 9865, 1, 3, 7, 9}));
  EXPECT_EQ(simt::counters().convolutions, 1U);
  EXPECT_EQ(simt::counters().gemms + simt::counters().launches, 0U);
}

TEST_F(Cudnn, AddsToTheResultIfAskedTo) {
  float* y = to_device({1, 1, 1, 1, 1, 1, 1, 1});
  ASSERT_EQ(forward(to_device(image_), to_device(filters_), y, 2), CUDNN_STATUS_SUCCESS);
  EXPECT_EQ(from_device(y, 8), (std::vector<float>{1002, 3202, 7042, 9867, 3, 5, 9, 11}));
}

TEST_F(Cudnn, GoesBackToTheInput) {
  float* dx = device_floats(9, kNaN);
  const float* dy = to_device({1, 2, 3, 4, 0, 0, 0, 0});
  float* workspace = device_floats(64);
  ASSERT_EQ(cudnnConvolutionBackwardData(handle_, &kOne, w_, to_device(filters_), y_, dy, convolution_, kData,
                                         workspace, 256, &kZero, x_, dx),
            CUDNN_STATUS_SUCCESS);
  EXPECT_EQ(from_device(dx, 9), (std::vector<float>{1000, 200, 2000, 30, 4, 40, 3000, 400, 4000}));
}

TEST_F(Cudnn, GoesBackToTheFilter) {
  float* dw = device_floats(8, kNaN);
  const float* dy = to_device({1, 2, 3, 4, 0, 0, 0, 1});
  ASSERT_EQ(to_filter(to_device(image_), dy, dw, device_floats(64), 256), CUDNN_STATUS_SUCCESS);
  EXPECT_EQ(from_device(dw, 8), (std::vector<float>{20, 12 + 24, 4 + 32, 1 + 6 + 21 + 36, 5, 6, 8, 9}));
}

TEST_F(Cudnn, NamesTheExtentsOfTheOutput) {
  int n = 0, c = 0, h = 0, w = 0;
  ASSERT_EQ(cudnnGetConvolution2dForwardOutputDim(convolution_, x_, w_, &n, &c, &h, &w), CUDNN_STATUS_SUCCESS);
  EXPECT_EQ((std::vector<int>{n, c, h, w}), (std::vector<int>{1, 2, 2, 2}));
}

TEST_F(Cudnn, ChecksDescriptors) {
  const float* x = to_device(image_);
  const float* w = to_device(filters_);
  float* y = device_floats(8);
  cudnnSetTensor4dDescriptor(y_, CUDNN_TENSOR_NCHW, CUDNN_DATA_FLOAT, 1, 2, 3, 2);
  EXPECT_EQ(forward(x, w, y), CUDNN_STATUS_BAD_PARAM_SHAPE_MISMATCH);
  cudnnSetTensor4dDescriptor(y_, CUDNN_TENSOR_NCHW, CUDNN_DATA_FLOAT, 1, 2, 2, 2);
  cudnnSetFilter4dDescriptor(w_, CUDNN_DATA_FLOAT, CUDNN_TENSOR_NCHW, 2, 2, 2, 2);
  EXPECT_EQ(forward(x, w, y), CUDNN_STATUS_BAD_PARAM_SHAPE_MISMATCH);
  EXPECT_EQ(cudnnSetTensor4dDescriptor(x_, CUDNN_TENSOR_NCHW, CUDNN_DATA_FLOAT, 0, 1, 3, 3), CUDNN_STATUS_BAD_PARAM);
  EXPECT_EQ(cudnnSetTensor4dDescriptor(x_, CUDNN_TENSOR_NHWC, CUDNN_DATA_FLOAT, 1, 1, 3, 3),
            CUDNN_STATUS_NOT_SUPPORTED);
  EXPECT_EQ(cudnnSetConvolution2dDescriptor(convolution_, 0, 0, 0, 1, 1, 1, CUDNN_CROSS_CORRELATION, CUDNN_DATA_FLOAT),
            CUDNN_STATUS_BAD_PARAM);
  EXPECT_EQ(cudnnSetConvolution2dDescriptor(convolution_, 0, 0, 1, 1, 1, 1, CUDNN_CONVOLUTION, CUDNN_DATA_FLOAT),
            CUDNN_STATUS_NOT_SUPPORTED);
  EXPECT_EQ(cudnnDestroyFilterDescriptor(w_), CUDNN_STATUS_SUCCESS);
  EXPECT_EQ(cudnnDestroyFilterDescriptor(w_), CUDNN_STATUS_BAD_PARAM);
  EXPECT_EQ(forward(x, w, y), CUDNN_STATUS_BAD_PARAM);
  cudnnTensorDescriptor_t unset = nullptr;
  cudnnCreateTensorDescriptor(&unset);
  int n = 0;
  EXPECT_EQ(cudnnGetConvolution2dForwardOutputDim(convolution_, unset, w_, &n, &n, &n, &n), CUDNN_STATUS_BAD_PARAM);
}

TEST_F(Cudnn, ChecksItsArguments) {
  const float* x = to_device(image_);
  float* y = device_floats(8);
  EXPECT_EQ(forward(x, nullptr, y), CUDNN_STATUS_BAD_PARAM_NULL_POINTER);
  EXPECT_EQ(cudnnConvolutionForward(nullptr, &kOne, x_, x, w_, x, convolution_, kForward, nullptr, 0, &kZero, y_, y),
            CUDNN_STATUS_NOT_INITIALIZED);
  EXPECT_EQ(cudnnConvolutionForward(handle_, &kOne, x_, x, w_, x, convolution_, CUDNN_CONVOLUTION_FWD_ALGO_DIRECT,
                                    nullptr, 0, &kZero, y_, y),
            CUDNN_STATUS_NOT_SUPPORTED);
  EXPECT_STREQ(cudnnGetErrorString(CUDNN_STATUS_NOT_SUPPORTED), "CUDNN_STATUS_NOT_SUPPORTED");
  EXPECT_EQ(cudnnGetVersion() / 10000, 9U);
}

TEST_F(Cudnn, ListsBeginWithWhatMustBePassedOver) {
  cudnnConvolutionBwdFilterAlgoPerf_t list[8];
  int count = 0;
  ASSERT_EQ(cudnnGetConvolutionBackwardFilterAlgorithm_v7(handle_, x_, y_, convolution_, w_, 8, &count, list),
            CUDNN_STATUS_SUCCESS);
  ASSERT_EQ(count, 4);
  EXPECT_EQ(list[0].mathType, CUDNN_TENSOR_OP_MATH);
  EXPECT_EQ(list[1].determinism, CUDNN_NON_DETERMINISTIC);
  EXPECT_EQ(list[2].status, CUDNN_STATUS_NOT_SUPPORTED);
  EXPECT_EQ(list[3].algo, kFilter);
  std::size_t bytes = 0;
  ASSERT_EQ(cudnnGetConvolutionBackwardFilterWorkspaceSize(handle_, x_, y_, convolution_, w_, kFilter, &bytes),
            CUDNN_STATUS_SUCCESS);
  EXPECT_EQ(bytes, list[3].memory);
  EXPECT_GT(bytes, 0U);
}

TEST_F(Cudnn, AWorkspaceMustSufficeAndIsSpoilt) {
  const float* x = to_device(image_);
  const float* dy = device_floats(8);
  float* dw = device_floats(8);
  std::size_t bytes = 0;
  cudnnGetConvolutionBackwardFilterWorkspaceSize(handle_, x_, y_, convolution_, w_, kFilter, &bytes);
  float* workspace = device_floats(static_cast<int>(bytes / 4), 5);
  EXPECT_EQ(to_filter(x, dy, dw, workspace, bytes - 1), CUDNN_STATUS_BAD_PARAM_SIZE_INSUFFICIENT);
  EXPECT_EQ(to_filter(x, dy, dw, nullptr, bytes), CUDNN_STATUS_BAD_PARAM_SIZE_INSUFFICIENT);
  EXPECT_EQ(to_filter(x, dy, dw, workspace, bytes), CUDNN_STATUS_SUCCESS);
  EXPECT_TRUE(std::isnan(first_of(workspace)));
}

TEST_F(Cudnn, MemoryIsChecked) {
  const auto fault = [](const std::function<void()>& body) -> std::string {
    try {
      body();
    } catch (const simt::Fault& error) {
      return error.what();
    }
    return "";
  };
  const float* x = to_device(image_);
  const float* w = to_device(filters_);
  float* y = device_floats(8);
  EXPECT_NE(fault([&] { forward(x, w, device_floats(7)); }).find("y of a convolution"), std::string::npos);
  EXPECT_NE(fault([&] { forward(image_.data(), w, y); }).find("x of a convolution"), std::string::npos);
  EXPECT_NE(fault([&] { to_filter(x, y, const_cast<float*>(w), device_floats(4), 64); }).find("the workspace"),
            std::string::npos);
  EXPECT_NE(fault([&] { forward(x, w, const_cast<float*>(x)); }).find("of a convolution"), std::string::npos);
  float* both = device_floats(17);
  EXPECT_NE(fault([&] { forward(both + 8, w, both + 1); }).find("overlaps"), std::string::npos);
}

TEST_F(Cudnn, WithoutFmaItRoundsToTf32) {
  cudnnSetTensor4dDescriptor(x_, CUDNN_TENSOR_NCHW, CUDNN_DATA_FLOAT, 1, 1, 1, 1);
  cudnnSetTensor4dDescriptor(y_, CUDNN_TENSOR_NCHW, CUDNN_DATA_FLOAT, 1, 1, 1, 1);
  cudnnSetFilter4dDescriptor(w_, CUDNN_DATA_FLOAT, CUDNN_TENSOR_NCHW, 1, 1, 1, 1);
  cudnnSetConvolution2dDescriptor(convolution_, 0, 0, 1, 1, 1, 1, CUDNN_CROSS_CORRELATION, CUDNN_DATA_FLOAT);
  // Setting the descriptor anew has taken the math type back.
  const float* x = to_device({1.0F + 0x1p-12F});
  const float* w = to_device({1});
  float* y = device_floats(1);
  ASSERT_EQ(forward(x, w, y), CUDNN_STATUS_SUCCESS);
  EXPECT_EQ(first_of(y), 1.0F);
  // A NaN of ones alone must not become a number.
  ASSERT_EQ(forward(device_floats(1, std::bit_cast<float>(0xFFFFFFFFU)), w, y), CUDNN_STATUS_SUCCESS);
  EXPECT_TRUE(std::isnan(first_of(y)));
  cudnnSetConvolutionMathType(convolution_, CUDNN_FMA_MATH);
  ASSERT_EQ(forward(x, w, y), CUDNN_STATUS_SUCCESS);
  EXPECT_EQ(first_of(y), 1.0F + 0x1p-12F);
}

TEST_F(Cudnn, WhatIsNotDeterministicGivesOtherBits) {
  const float* x = to_device(image_);
  const float* dy = to_device({1, 2, 3, 4, 0, 0, 0, 1});
  std::vector<float> results[2];
  for (auto& result : results) {
    float* dw = device_floats(8);
    ASSERT_EQ(to_filter(x, dy, dw, nullptr, 0, CUDNN_CONVOLUTION_BWD_FILTER_ALGO_0), CUDNN_STATUS_SUCCESS);
    result = from_device(dw, 8);
  }
  EXPECT_NE(results[0], results[1]);
}

TEST_F(Cudnn, IsCapturedAndReplayed) {
  cudaStream_t stream = new_stream();
  ASSERT_EQ(cudnnSetStream(handle_, stream), CUDNN_STATUS_SUCCESS);
  cudaStream_t set = nullptr;
  EXPECT_EQ(cudnnGetStream(handle_, &set), CUDNN_STATUS_SUCCESS);
  EXPECT_EQ(set, stream);
  float* x = device_floats(9);
  const float* w = to_device(filters_);
  float* y = device_floats(8, kNaN);
  ASSERT_EQ(cudaStreamBeginCapture(stream, cudaStreamCaptureModeRelaxed), cudaSuccess);
  ASSERT_EQ(forward(x, w, y), CUDNN_STATUS_SUCCESS);
  cudaGraph_t graph = nullptr;
  ASSERT_EQ(cudaStreamEndCapture(stream, &graph), cudaSuccess);
  EXPECT_EQ(simt::counters().convolutions, 0U);
  cudaGraphExec_t exec = nullptr;
  ASSERT_EQ(cudaGraphInstantiate(&exec, graph, 0), cudaSuccess);
  ASSERT_EQ(cudaMemcpy(x, image_.data(), 36, cudaMemcpyHostToDevice), cudaSuccess);
  ASSERT_EQ(cudaGraphLaunch(exec, stream), cudaSuccess);
  ASSERT_EQ(cudaStreamSynchronize(stream), cudaSuccess);
  EXPECT_EQ(first_of(y), 1000);
  EXPECT_EQ(simt::counters().convolutions, 1U);
}

TEST_F(Cudnn, HandlesAreNotMadeWhileCapturing) {
  cudaStream_t stream = new_stream();
  ASSERT_EQ(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal), cudaSuccess);
  cudnnHandle_t other = nullptr;
  EXPECT_EQ(cudnnCreate(&other), CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED);
}

TEST_F(Cudnn, HandlesAndDescriptorsAreCountedAsAlive) {
  EXPECT_EQ(simt::live().cudnn_handles, 1U);
  EXPECT_EQ(simt::live().cudnn_descriptors, 4U);
  EXPECT_EQ(cudnnDestroy(handle_), CUDNN_STATUS_SUCCESS);
  EXPECT_EQ(cudnnDestroy(handle_), CUDNN_STATUS_NOT_INITIALIZED);
  EXPECT_EQ(cudnnDestroyTensorDescriptor(x_), CUDNN_STATUS_SUCCESS);
  EXPECT_FALSE(simt::live().nothing());
  EXPECT_EQ(cudnnDestroyTensorDescriptor(y_), CUDNN_STATUS_SUCCESS);
  EXPECT_EQ(cudnnDestroyFilterDescriptor(w_), CUDNN_STATUS_SUCCESS);
  EXPECT_EQ(cudnnDestroyConvolutionDescriptor(convolution_), CUDNN_STATUS_SUCCESS);
  EXPECT_TRUE(simt::live().nothing());
}

}  // namespace
}  // namespace simt_test
