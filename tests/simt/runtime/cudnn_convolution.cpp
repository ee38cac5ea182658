// The three products of a convolution: arguments are checked when the work is queued, memory when it runs.

#include <cmath>
#include <cstring>
#include <limits>

#include "device/launch.h"
#include "runtime/cudnn_handle.h"
#include "runtime/runtime.h"

namespace simt::detail {
namespace {

/// Pointers of a call; what is computed is one of x, w and y.
struct Convolve {
  CheckedConvolution checked;
  ConvolutionResult result = ConvolutionResult::output;
  float *x = nullptr, *w = nullptr, *y = nullptr;
  const void *alpha = nullptr, *beta = nullptr;
  void* workspace = nullptr;
  std::size_t given_bytes = 0;
  std::optional<std::size_t> needed_bytes;
  bool deterministic = true;
};

float* floats(const void* pointer) {
  return const_cast<float*>(static_cast<const float*>(pointer));
}

void require(const float* pointer, std::int64_t elements, const char* name) {
  runtime().memory.require(pointer, static_cast<std::size_t>(elements) * sizeof(float), name);
}

/// The result must lie apart from both operands and the workspace.
void require_apart(const Convolve& c) {
  struct Span {
    const char* begin;
    std::size_t bytes;
  };
  const auto span = [](const float* data, std::int64_t elements) {
    return Span{reinterpret_cast<const char*>(data), static_cast<std::size_t>(elements) * sizeof(float)};
  };
  const Span all[] = {span(c.x, c.checked.shape.input_elements()),
                      span(c.w, c.checked.shape.weight_elements()),
                      span(c.y, c.checked.shape.output_elements()),
                      {static_cast<const char*>(c.workspace), *c.needed_bytes}};
  const Span& result = all[static_cast<int>(c.result)];
  for (const Span& other : all)
    if (&other != &result && result.begin < other.begin + other.bytes && other.begin < result.begin + result.bytes)
      throw Fault("the result of a convolution overlaps an operand or the workspace");
}

/// An algorithm that promises no order of its sums gives other bits in every second call.
void disturb(const Convolve& c) {
  static bool turn = false;
  turn = !turn;
  float* const all[] = {c.x, c.w, c.y};
  float& first = *all[static_cast<int>(c.result)];
  if (turn) first = std::nextafter(first, std::numeric_limits<float>::infinity());
}

void run(const Convolve& c, float alpha, float beta) {
  const ConvolutionShape& shape = c.checked.shape;
  require(c.x, shape.input_elements(), "x of a convolution");
  require(c.w, shape.weight_elements(), "w of a convolution");
  require(c.y, shape.output_elements(), "y of a convolution");
  if (*c.needed_bytes > 0) runtime().memory.require(c.workspace, *c.needed_bytes, "the workspace of a convolution");
  require_apart(c);
  // Whatever lay in the workspace is lost.
  if (*c.needed_bytes > 0) std::memset(c.workspace, 0xFF, *c.needed_bytes);
  convolve(shape, c.result, c.x, c.w, c.y, alpha, beta, c.checked.tf32);
  if (!c.deterministic) disturb(c);
}

cudnnStatus_t cudnn_status(cudaError_t error) {
  switch (error) {
    case cudaSuccess:
      return CUDNN_STATUS_SUCCESS;
    case cudaErrorStreamCaptureInvalidated:
    case cudaErrorStreamCaptureImplicit:
      return CUDNN_STATUS_INTERNAL_ERROR;
    default:
      return CUDNN_STATUS_EXECUTION_FAILED;
  }
}

cudnnStatus_t submit_convolution(cudnnHandle_t handle, const Convolve& c) {
  const Turn turn;
  if (c.checked.status != CUDNN_STATUS_SUCCESS) return c.checked.status;
  if (c.alpha == nullptr || c.beta == nullptr || c.x == nullptr || c.w == nullptr || c.y == nullptr)
    return CUDNN_STATUS_BAD_PARAM_NULL_POINTER;
  if (!c.needed_bytes) return CUDNN_STATUS_NOT_SUPPORTED;
  if (c.given_bytes < *c.needed_bytes || (*c.needed_bytes > 0 && c.workspace == nullptr))
    return CUDNN_STATUS_BAD_PARAM_SIZE_INSUFFICIENT;
  Runtime& rt = runtime();
  if (rt.errors.enter(rt.machine) != cudaSuccess) return CUDNN_STATUS_EXECUTION_FAILED;
  if (!rt.machine.has_kernel_image) return CUDNN_STATUS_NOT_SUPPORTED_ARCH_MISMATCH;
  const float alpha = *floats(c.alpha), beta = *floats(c.beta);
  Work work;
  work.type = cudaGraphNodeTypeKernel;
  work.cost.convolutions = 1;
  work.action = [c, alpha, beta] { run_unless_lost([&] { run(c, alpha, beta); }); };
  return cudnn_status(submit(rt.cudnn_handles.find(handle)->stream, std::move(work)));
}

}  // namespace
}  // namespace simt::detail

using simt::detail::check_convolution;
using simt::detail::ConvolutionResult;
using simt::detail::Convolve;
using simt::detail::floats;
using simt::detail::is_deterministic;
using simt::detail::submit_convolution;
using simt::detail::workspace_of;

cudnnStatus_t cudnnConvolutionForward(cudnnHandle_t handle, const void* alpha, cudnnTensorDescriptor_t x_descriptor,
                                      const void* x, cudnnFilterDescriptor_t w_descriptor, const void* w,
                                      cudnnConvolutionDescriptor_t convolution, cudnnConvolutionFwdAlgo_t algorithm,
                                      void* workspace, std::size_t bytes, const void* beta,
                                      cudnnTensorDescriptor_t y_descriptor, void* y) {
  const auto checked = check_convolution(handle, x_descriptor, w_descriptor, convolution, y_descriptor);
  return submit_convolution(
      handle, {checked, ConvolutionResult::output, floats(x), floats(w), floats(y), alpha, beta, workspace, bytes,
               workspace_of(checked.shape, algorithm), is_deterministic(algorithm)});
}

cudnnStatus_t cudnnConvolutionBackwardData(cudnnHandle_t handle, const void* alpha,
                                           cudnnFilterDescriptor_t w_descriptor, const void* w,
                                           cudnnTensorDescriptor_t dy_descriptor, const void* dy,
                                           cudnnConvolutionDescriptor_t convolution,
                                           cudnnConvolutionBwdDataAlgo_t algorithm, void* workspace, std::size_t bytes,
                                           const void* beta, cudnnTensorDescriptor_t dx_descriptor, void* dx) {
  const auto checked = check_convolution(handle, dx_descriptor, w_descriptor, convolution, dy_descriptor);
  return submit_convolution(
      handle, {checked, ConvolutionResult::input, floats(dx), floats(w), floats(dy), alpha, beta, workspace, bytes,
               workspace_of(checked.shape, algorithm), is_deterministic(algorithm)});
}

cudnnStatus_t cudnnConvolutionBackwardFilter(cudnnHandle_t handle, const void* alpha,
                                             cudnnTensorDescriptor_t x_descriptor, const void* x,
                                             cudnnTensorDescriptor_t dy_descriptor, const void* dy,
                                             cudnnConvolutionDescriptor_t convolution,
                                             cudnnConvolutionBwdFilterAlgo_t algorithm, void* workspace,
                                             std::size_t bytes, const void* beta, cudnnFilterDescriptor_t dw_descriptor,
                                             void* dw) {
  const auto checked = check_convolution(handle, x_descriptor, dw_descriptor, convolution, dy_descriptor);
  return submit_convolution(
      handle, {checked, ConvolutionResult::weight, floats(x), floats(dw), floats(dy), alpha, beta, workspace, bytes,
               workspace_of(checked.shape, algorithm), is_deterministic(algorithm)});
}
