#pragma once

#include <cstddef>
#include <functional>
#include <tuple>
#include <type_traits>
#include <utility>

#include "runtime/types.h"

// The typed overloads that the toolkit's cuda_runtime.h has beside its C functions. Included by api.h.

namespace simt::detail {

/// Checks the configuration and puts the launch into its stream. `body` is run once for each thread and owns copies of
/// the kernel's arguments: what the caller changes later does not reach it, as on the device.
cudaError_t launch(const cudaLaunchConfig_t& config, const void* kernel, std::function<void()> body);

template <typename Function>
const void* address_of(Function* function) {
  return reinterpret_cast<const void*>(function);
}

template <typename... Params>
std::function<void()> bind_arguments(void (*kernel)(Params...), Params... arguments) {
  static_assert((std::is_trivially_copyable_v<Params> && ...), "kernel arguments are copied as bytes");
  static_assert((sizeof(Params) + ... + 0) <= 32764, "a kernel takes at most 32764 bytes of arguments");
  return [kernel, frozen = std::tuple<Params...>(arguments...)] { std::apply(kernel, frozen); };
}

template <typename... Params, std::size_t... index>
std::function<void()> bind_packed(void (*kernel)(Params...), void** args, std::index_sequence<index...>) {
  return bind_arguments<Params...>(kernel, *static_cast<Params*>(args[index])...);
}

template <typename... Params>
cudaError_t launch_packed(void (*kernel)(Params...), dim3 grid, dim3 block, void** args, std::size_t shared,
                          cudaStream_t stream, bool cooperative) {
  cudaLaunchAttribute attribute{};
  attribute.id = cudaLaunchAttributeCooperative;
  attribute.val.cooperative = cooperative;
  cudaLaunchConfig_t config{grid, block, shared, stream, &attribute, 1};
  return launch(config, address_of(kernel), bind_packed(kernel, args, std::index_sequence_for<Params...>()));
}

}  // namespace simt::detail

// Arguments convert to the parameters' types as silently as they do in the toolkit's header.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
template <typename... Params, typename... Arguments>
cudaError_t cudaLaunchKernelEx(const cudaLaunchConfig_t* config, void (*kernel)(Params...), Arguments&&... arguments) {
  static_assert(sizeof...(Params) == sizeof...(Arguments), "the kernel takes another number of arguments");
  return simt::detail::launch(*config, simt::detail::address_of(kernel),
                              simt::detail::bind_arguments<Params...>(kernel, std::forward<Arguments>(arguments)...));
}
#pragma GCC diagnostic pop

template <typename... Params>
cudaError_t cudaLaunchKernel(void (*kernel)(Params...), dim3 grid, dim3 block, void** args, std::size_t shared = 0,
                             cudaStream_t stream = nullptr) {
  return simt::detail::launch_packed(kernel, grid, block, args, shared, stream, false);
}

template <typename... Params>
cudaError_t cudaLaunchCooperativeKernel(void (*kernel)(Params...), dim3 grid, dim3 block, void** args,
                                        std::size_t shared = 0, cudaStream_t stream = nullptr) {
  return simt::detail::launch_packed(kernel, grid, block, args, shared, stream, true);
}

template <typename... Params>
cudaError_t cudaFuncSetAttribute(void (*kernel)(Params...), cudaFuncAttribute attr, int value) {
  return cudaFuncSetAttribute(simt::detail::address_of(kernel), attr, value);
}

template <typename... Params>
cudaError_t cudaFuncGetAttributes(cudaFuncAttributes* attr, void (*kernel)(Params...)) {
  return cudaFuncGetAttributes(attr, simt::detail::address_of(kernel));
}

template <typename... Params>
cudaError_t cudaFuncGetName(const char** name, void (*kernel)(Params...)) {
  return cudaFuncGetName(name, simt::detail::address_of(kernel));
}

template <typename... Params>
cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessor(int* numBlocks, void (*kernel)(Params...), int blockSize,
                                                          std::size_t dynamicSMemSize) {
  return cudaOccupancyMaxActiveBlocksPerMultiprocessor(numBlocks, simt::detail::address_of(kernel), blockSize,
                                                       dynamicSMemSize);
}

template <typename T>
cudaError_t cudaMalloc(T** devPtr, std::size_t size) {
  return cudaMalloc(reinterpret_cast<void**>(devPtr), size);
}

template <typename T>
cudaError_t cudaMallocAsync(T** devPtr, std::size_t size, cudaStream_t stream) {
  return cudaMallocAsync(reinterpret_cast<void**>(devPtr), size, stream);
}

template <typename T>
cudaError_t cudaMallocHost(T** ptr, std::size_t size, unsigned int flags = cudaHostAllocDefault) {
  return cudaHostAlloc(reinterpret_cast<void**>(ptr), size, flags);
}

template <typename T>
cudaError_t cudaHostAlloc(T** pHost, std::size_t size, unsigned int flags) {
  return cudaHostAlloc(reinterpret_cast<void**>(pHost), size, flags);
}

template <typename T>
cudaError_t cudaHostGetDevicePointer(T** pDevice, void* pHost, unsigned int flags) {
  return cudaHostGetDevicePointer(reinterpret_cast<void**>(pDevice), pHost, flags);
}
