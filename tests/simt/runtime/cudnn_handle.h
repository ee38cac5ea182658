#pragma once

#include <optional>

#include "runtime/convolution.h"
#include "runtime/cudnn_api.h"

struct cudnnContext {
  cudaStream_t stream = nullptr;
};

/// An extent of 0: not set yet.
struct cudnnTensorStruct {
  int n = 0, c = 0, h = 0, w = 0;
};

struct cudnnFilterStruct {
  int k = 0, c = 0, h = 0, w = 0;
};

struct cudnnConvolutionStruct {
  int padding[2] = {}, stride[2] = {}, dilation[2] = {};
  cudnnMathType_t math = CUDNN_DEFAULT_MATH;
};

namespace simt::detail {

/// A convolution from x to y with w, or what is wrong with the descriptors.
struct CheckedConvolution {
  cudnnStatus_t status = CUDNN_STATUS_SUCCESS;
  ConvolutionShape shape;
  bool tf32 = false;  ///< float32 goes to tensor cores unless that is forbidden
};
CheckedConvolution check_convolution(cudnnHandle_t handle, cudnnTensorDescriptor_t x, cudnnFilterDescriptor_t w,
                                     cudnnConvolutionDescriptor_t convolution, cudnnTensorDescriptor_t y);

/// Bytes that an algorithm needs; nothing: it cannot do this convolution.
std::optional<std::size_t> workspace_of(const ConvolutionShape& shape, cudnnConvolutionFwdAlgo_t algorithm);
std::optional<std::size_t> workspace_of(const ConvolutionShape& shape, cudnnConvolutionBwdDataAlgo_t algorithm);
std::optional<std::size_t> workspace_of(const ConvolutionShape& shape, cudnnConvolutionBwdFilterAlgo_t algorithm);

bool is_deterministic(cudnnConvolutionFwdAlgo_t algorithm);
bool is_deterministic(cudnnConvolutionBwdDataAlgo_t algorithm);
bool is_deterministic(cudnnConvolutionBwdFilterAlgo_t algorithm);

}  // namespace simt::detail
