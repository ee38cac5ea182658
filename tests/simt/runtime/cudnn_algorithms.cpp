// Which algorithms there are, and what each needs. The lists begin with the ones that a careful program passes over:
// those are no faster here, but on a device they often are.

#include <algorithm>
#include <vector>

#include "runtime/cudnn_handle.h"
#include "runtime/runtime.h"

namespace simt::detail {
namespace {

/// As much as the patches of one sample take.
std::size_t patch_bytes(const ConvolutionShape& s) {
  return static_cast<std::size_t>(s.channels * s.kernel_height * s.kernel_width * s.out_height * s.out_width) * 4;
}

/// What transforms take: more than any program should spend.
constexpr std::size_t kTransformBytes = std::size_t{1} << 32;

template <typename A>
cudnnStatus_t list_algorithms(const CheckedConvolution& checked, std::initializer_list<A> order, int requested,
                              int* returned, AlgorithmPerformance<A>* results) {
  if (checked.status != CUDNN_STATUS_SUCCESS) return checked.status;
  if (requested < 1 || returned == nullptr || results == nullptr) return CUDNN_STATUS_BAD_PARAM;
  const cudnnMathType_t math = checked.tf32 ? CUDNN_DEFAULT_MATH : CUDNN_FMA_MATH;
  std::vector<AlgorithmPerformance<A>> list;
  // Tensor cores first: whoever forbids them must not take this entry.
  list.push_back(
      {*std::prev(order.end()), CUDNN_STATUS_SUCCESS, 0.5F, 0, CUDNN_DETERMINISTIC, CUDNN_TENSOR_OP_MATH, {}});
  for (const A algorithm : order) {
    const auto bytes = workspace_of(checked.shape, algorithm);
    list.push_back({algorithm,
                    bytes ? CUDNN_STATUS_SUCCESS : CUDNN_STATUS_NOT_SUPPORTED,
                    static_cast<float>(list.size()),
                    bytes.value_or(0),
                    is_deterministic(algorithm) ? CUDNN_DETERMINISTIC : CUDNN_NON_DETERMINISTIC,
                    math,
                    {}});
  }
  *returned = std::min(requested, static_cast<int>(list.size()));
  std::copy_n(list.begin(), *returned, results);
  return CUDNN_STATUS_SUCCESS;
}

template <typename A>
cudnnStatus_t ask_workspace(const CheckedConvolution& checked, A algorithm, std::size_t* bytes) {
  if (checked.status != CUDNN_STATUS_SUCCESS) return checked.status;
  if (bytes == nullptr) return CUDNN_STATUS_BAD_PARAM_NULL_POINTER;
  const auto needed = workspace_of(checked.shape, algorithm);
  if (!needed) return CUDNN_STATUS_NOT_SUPPORTED;
  *bytes = *needed;
  return CUDNN_STATUS_SUCCESS;
}

}  // namespace

std::optional<std::size_t> workspace_of(const ConvolutionShape& shape, cudnnConvolutionFwdAlgo_t algorithm) {
  switch (algorithm) {
    case CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_GEMM:
      return 0;
    case CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM:
    case CUDNN_CONVOLUTION_FWD_ALGO_GEMM:
      return patch_bytes(shape);
    case CUDNN_CONVOLUTION_FWD_ALGO_FFT:
      return shape.stride[0] == 1 ? std::optional(kTransformBytes) : std::nullopt;
    default:
      return std::nullopt;
  }
}

std::optional<std::size_t> workspace_of(const ConvolutionShape& shape, cudnnConvolutionBwdDataAlgo_t algorithm) {
  switch (algorithm) {
    case CUDNN_CONVOLUTION_BWD_DATA_ALGO_0:
      return 0;
    case CUDNN_CONVOLUTION_BWD_DATA_ALGO_1:
      return patch_bytes(shape);
    case CUDNN_CONVOLUTION_BWD_DATA_ALGO_WINOGRAD:
      return shape.stride[0] == 1 ? std::optional(kTransformBytes) : std::nullopt;
    default:
      return std::nullopt;
  }
}

std::optional<std::size_t> workspace_of(const ConvolutionShape& shape, cudnnConvolutionBwdFilterAlgo_t algorithm) {
  switch (algorithm) {
    case CUDNN_CONVOLUTION_BWD_FILTER_ALGO_0:
      return 0;
    case CUDNN_CONVOLUTION_BWD_FILTER_ALGO_1:
      return patch_bytes(shape);
    default:
      return std::nullopt;
  }
}

bool is_deterministic(cudnnConvolutionFwdAlgo_t) {
  return true;
}
bool is_deterministic(cudnnConvolutionBwdDataAlgo_t algorithm) {
  return algorithm != CUDNN_CONVOLUTION_BWD_DATA_ALGO_0;
}
bool is_deterministic(cudnnConvolutionBwdFilterAlgo_t algorithm) {
  return algorithm != CUDNN_CONVOLUTION_BWD_FILTER_ALGO_0 && algorithm != CUDNN_CONVOLUTION_BWD_FILTER_ALGO_3;
}

}  // namespace simt::detail

using simt::detail::ask_workspace;
using simt::detail::check_convolution;
using simt::detail::list_algorithms;

cudnnStatus_t cudnnGetConvolutionForwardAlgorithm_v7(cudnnHandle_t handle, cudnnTensorDescriptor_t x,
                                                     cudnnFilterDescriptor_t w,
                                                     cudnnConvolutionDescriptor_t convolution,
                                                     cudnnTensorDescriptor_t y, int requested, int* returned,
                                                     cudnnConvolutionFwdAlgoPerf_t* results) {
  return list_algorithms(check_convolution(handle, x, w, convolution, y),
                         {CUDNN_CONVOLUTION_FWD_ALGO_FFT, CUDNN_CONVOLUTION_FWD_ALGO_WINOGRAD,
                          CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM, CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_GEMM},
                         requested, returned, results);
}

cudnnStatus_t cudnnGetConvolutionBackwardDataAlgorithm_v7(cudnnHandle_t handle, cudnnFilterDescriptor_t w,
                                                          cudnnTensorDescriptor_t dy,
                                                          cudnnConvolutionDescriptor_t convolution,
                                                          cudnnTensorDescriptor_t dx, int requested, int* returned,
                                                          cudnnConvolutionBwdDataAlgoPerf_t* results) {
  return list_algorithms(
      check_convolution(handle, dx, w, convolution, dy),
      {CUDNN_CONVOLUTION_BWD_DATA_ALGO_0, CUDNN_CONVOLUTION_BWD_DATA_ALGO_WINOGRAD, CUDNN_CONVOLUTION_BWD_DATA_ALGO_1},
      requested, returned, results);
}

cudnnStatus_t cudnnGetConvolutionBackwardFilterAlgorithm_v7(cudnnHandle_t handle, cudnnTensorDescriptor_t x,
                                                            cudnnTensorDescriptor_t dy,
                                                            cudnnConvolutionDescriptor_t convolution,
                                                            cudnnFilterDescriptor_t dw, int requested, int* returned,
                                                            cudnnConvolutionBwdFilterAlgoPerf_t* results) {
  return list_algorithms(
      check_convolution(handle, x, dw, convolution, dy),
      {CUDNN_CONVOLUTION_BWD_FILTER_ALGO_0, CUDNN_CONVOLUTION_BWD_FILTER_ALGO_FFT, CUDNN_CONVOLUTION_BWD_FILTER_ALGO_1},
      requested, returned, results);
}

cudnnStatus_t cudnnGetConvolutionForwardWorkspaceSize(cudnnHandle_t handle, cudnnTensorDescriptor_t x,
                                                      cudnnFilterDescriptor_t w,
                                                      cudnnConvolutionDescriptor_t convolution,
                                                      cudnnTensorDescriptor_t y, cudnnConvolutionFwdAlgo_t algorithm,
                                                      std::size_t* bytes) {
  return ask_workspace(check_convolution(handle, x, w, convolution, y), algorithm, bytes);
}

cudnnStatus_t cudnnGetConvolutionBackwardDataWorkspaceSize(cudnnHandle_t handle, cudnnFilterDescriptor_t w,
                                                           cudnnTensorDescriptor_t dy,
                                                           cudnnConvolutionDescriptor_t convolution,
                                                           cudnnTensorDescriptor_t dx,
                                                           cudnnConvolutionBwdDataAlgo_t algorithm,
                                                           std::size_t* bytes) {
  return ask_workspace(check_convolution(handle, dx, w, convolution, dy), algorithm, bytes);
}

cudnnStatus_t cudnnGetConvolutionBackwardFilterWorkspaceSize(cudnnHandle_t handle, cudnnTensorDescriptor_t x,
                                                             cudnnTensorDescriptor_t dy,
                                                             cudnnConvolutionDescriptor_t convolution,
                                                             cudnnFilterDescriptor_t dw,
                                                             cudnnConvolutionBwdFilterAlgo_t algorithm,
                                                             std::size_t* bytes) {
  return ask_workspace(check_convolution(handle, x, dw, convolution, dy), algorithm, bytes);
}
