#include "runtime/cudnn_handle.h"

#include "runtime/runtime.h"

using simt::detail::Registry;
using simt::detail::runtime;

namespace {

template <typename T>
cudnnStatus_t create(Registry<T>& registry, T** descriptor) {
  if (descriptor == nullptr) return CUDNN_STATUS_BAD_PARAM_NULL_POINTER;
  *descriptor = registry.add(std::make_shared<T>());
  return CUDNN_STATUS_SUCCESS;
}

template <typename T>
cudnnStatus_t destroy(Registry<T>& registry, T* descriptor) {
  return registry.remove(descriptor) ? CUDNN_STATUS_SUCCESS : CUDNN_STATUS_BAD_PARAM;
}

template <typename T>
cudnnStatus_t set(Registry<T>& registry, T* descriptor, bool valid, bool supported, const T& value) {
  const auto found = registry.find(descriptor);
  if (found == nullptr || !valid) return CUDNN_STATUS_BAD_PARAM;
  if (!supported) return CUDNN_STATUS_NOT_SUPPORTED;
  *found = value;
  return CUDNN_STATUS_SUCCESS;
}

bool plain(cudnnTensorFormat_t format, cudnnDataType_t type) {
  return format == CUDNN_TENSOR_NCHW && type == CUDNN_DATA_FLOAT;
}

int extent_out(int extent, int kernel, int padding, int stride, int dilation) {
  return (extent + 2 * padding - ((kernel - 1) * dilation + 1)) / stride + 1;
}

}  // namespace

std::size_t cudnnGetVersion() {
  return CUDNN_VERSION;
}

const char* cudnnGetErrorString(cudnnStatus_t status) {
  switch (status) {
#define SIMT_NAME(name, value) \
  case name:                   \
    return #name;
    SIMT_CUDNN_STATUSES(SIMT_NAME)
#undef SIMT_NAME
  }
  return "CUDNN_UNKNOWN_STATUS";
}

cudnnStatus_t cudnnCreate(cudnnHandle_t* handle) {
  const simt::detail::Turn turn;
  if (handle == nullptr) return CUDNN_STATUS_BAD_PARAM_NULL_POINTER;
  if (runtime().errors.enter(runtime().machine) != cudaSuccess) return CUDNN_STATUS_NOT_INITIALIZED;
  // The library allocates device memory for itself here.
  if (runtime().captures.refuse_unsafe() != cudaSuccess) return CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED;
  return create(runtime().cudnn_handles, handle);
}

cudnnStatus_t cudnnDestroy(cudnnHandle_t handle) {
  return runtime().cudnn_handles.remove(handle) ? CUDNN_STATUS_SUCCESS : CUDNN_STATUS_NOT_INITIALIZED;
}

cudnnStatus_t cudnnSetStream(cudnnHandle_t handle, cudaStream_t stream) {
  const auto context = runtime().cudnn_handles.find(handle);
  if (context == nullptr) return CUDNN_STATUS_NOT_INITIALIZED;
  context->stream = stream;
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnGetStream(cudnnHandle_t handle, cudaStream_t* stream) {
  const auto context = runtime().cudnn_handles.find(handle);
  if (context == nullptr) return CUDNN_STATUS_NOT_INITIALIZED;
  if (stream == nullptr) return CUDNN_STATUS_BAD_PARAM_NULL_POINTER;
  *stream = context->stream;
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnCreateTensorDescriptor(cudnnTensorDescriptor_t* descriptor) {
  return create(runtime().cudnn_tensors, descriptor);
}
cudnnStatus_t cudnnDestroyTensorDescriptor(cudnnTensorDescriptor_t descriptor) {
  return destroy(runtime().cudnn_tensors, descriptor);
}
cudnnStatus_t cudnnSetTensor4dDescriptor(cudnnTensorDescriptor_t descriptor, cudnnTensorFormat_t format,
                                         cudnnDataType_t type, int n, int c, int h, int w) {
  return set(runtime().cudnn_tensors, descriptor, n > 0 && c > 0 && h > 0 && w > 0, plain(format, type), {n, c, h, w});
}

cudnnStatus_t cudnnCreateFilterDescriptor(cudnnFilterDescriptor_t* descriptor) {
  return create(runtime().cudnn_filters, descriptor);
}
cudnnStatus_t cudnnDestroyFilterDescriptor(cudnnFilterDescriptor_t descriptor) {
  return destroy(runtime().cudnn_filters, descriptor);
}
cudnnStatus_t cudnnSetFilter4dDescriptor(cudnnFilterDescriptor_t descriptor, cudnnDataType_t type,
                                         cudnnTensorFormat_t format, int k, int c, int h, int w) {
  return set(runtime().cudnn_filters, descriptor, k > 0 && c > 0 && h > 0 && w > 0, plain(format, type), {k, c, h, w});
}

cudnnStatus_t cudnnCreateConvolutionDescriptor(cudnnConvolutionDescriptor_t* descriptor) {
  return create(runtime().cudnn_convolutions, descriptor);
}
cudnnStatus_t cudnnDestroyConvolutionDescriptor(cudnnConvolutionDescriptor_t descriptor) {
  return destroy(runtime().cudnn_convolutions, descriptor);
}
cudnnStatus_t cudnnSetConvolution2dDescriptor(cudnnConvolutionDescriptor_t descriptor, int pad_h, int pad_w, int u,
                                              int v, int dilation_h, int dilation_w, cudnnConvolutionMode_t mode,
                                              cudnnDataType_t type) {
  const bool valid = pad_h >= 0 && pad_w >= 0 && u > 0 && v > 0 && dilation_h > 0 && dilation_w > 0;
  return set(runtime().cudnn_convolutions, descriptor, valid,
             mode == CUDNN_CROSS_CORRELATION && type == CUDNN_DATA_FLOAT,
             {{pad_h, pad_w}, {u, v}, {dilation_h, dilation_w}});
}
cudnnStatus_t cudnnSetConvolutionMathType(cudnnConvolutionDescriptor_t descriptor, cudnnMathType_t math) {
  const auto convolution = runtime().cudnn_convolutions.find(descriptor);
  if (convolution == nullptr || math < CUDNN_DEFAULT_MATH || math > CUDNN_FMA_MATH) return CUDNN_STATUS_BAD_PARAM;
  convolution->math = math;
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnGetConvolution2dForwardOutputDim(cudnnConvolutionDescriptor_t convolution_handle,
                                                    cudnnTensorDescriptor_t input, cudnnFilterDescriptor_t filter,
                                                    int* n, int* c, int* h, int* w) {
  const auto convolution = runtime().cudnn_convolutions.find(convolution_handle);
  const auto x = runtime().cudnn_tensors.find(input);
  const auto f = runtime().cudnn_filters.find(filter);
  if (!convolution || !x || !f || convolution->stride[0] == 0 || x->n == 0 || f->k == 0) return CUDNN_STATUS_BAD_PARAM;
  if (x->c != f->c) return CUDNN_STATUS_BAD_PARAM_SHAPE_MISMATCH;
  *n = x->n;
  *c = f->k;
  *h = extent_out(x->h, f->h, convolution->padding[0], convolution->stride[0], convolution->dilation[0]);
  *w = extent_out(x->w, f->w, convolution->padding[1], convolution->stride[1], convolution->dilation[1]);
  return *h > 0 && *w > 0 ? CUDNN_STATUS_SUCCESS : CUDNN_STATUS_BAD_PARAM;
}

namespace simt::detail {

CheckedConvolution check_convolution(cudnnHandle_t handle, cudnnTensorDescriptor_t x_handle,
                                     cudnnFilterDescriptor_t w_handle, cudnnConvolutionDescriptor_t convolution_handle,
                                     cudnnTensorDescriptor_t y_handle) {
  CheckedConvolution checked;
  const auto y = runtime().cudnn_tensors.find(y_handle);
  int n = 0, c = 0, h = 0, w = 0;
  if (runtime().cudnn_handles.find(handle) == nullptr)
    checked.status = CUDNN_STATUS_NOT_INITIALIZED;
  else if (y == nullptr || y->n == 0)
    checked.status = CUDNN_STATUS_BAD_PARAM;
  else
    checked.status = cudnnGetConvolution2dForwardOutputDim(convolution_handle, x_handle, w_handle, &n, &c, &h, &w);
  if (checked.status != CUDNN_STATUS_SUCCESS) return checked;
  if (y->n != n || y->c != c || y->h != h || y->w != w) {
    checked.status = CUDNN_STATUS_BAD_PARAM_SHAPE_MISMATCH;
    return checked;
  }
  const auto x = runtime().cudnn_tensors.find(x_handle);
  const auto filter = runtime().cudnn_filters.find(w_handle);
  const auto convolution = runtime().cudnn_convolutions.find(convolution_handle);
  ConvolutionShape& s = checked.shape;
  s = {x->n, x->c, x->h, x->w, filter->k, filter->h, filter->w, h, w};
  for (int axis = 0; axis < 2; ++axis) {
    s.padding[axis] = convolution->padding[axis];
    s.stride[axis] = convolution->stride[axis];
    s.dilation[axis] = convolution->dilation[axis];
  }
  checked.tf32 = convolution->math != CUDNN_FMA_MATH;
  return checked;
}

}  // namespace simt::detail
