#include <algorithm>

#include "runtime/runtime.h"

using simt::detail::Block;
using simt::detail::call;
using simt::detail::Place;
using simt::detail::Runtime;
using simt::detail::runtime;

namespace {

/// A block of memory, or null: the device is full, or a test asked for a failure.
void* allocate(std::size_t size, Place place, unsigned flags) {
  Runtime& rt = runtime();
  if (rt.errors.fails_allocation_now()) return nullptr;
  if (place == Place::device && size > rt.machine.device_memory - rt.memory.device_bytes(rt.device)) return nullptr;
  return rt.memory.allocate(size, place, rt.device, flags);
}

cudaError_t allocate_device(void** pointer, std::size_t size) {
  *pointer = nullptr;
  if (size == 0) return cudaSuccess;
  *pointer = allocate(size, Place::device, 0);
  if (*pointer == nullptr) return cudaErrorMemoryAllocation;
  ++runtime().counters.allocations;
  return cudaSuccess;
}

/// Freeing waits for the device, whatever the memory was used for.
void release_when_idle(Block& block) {
  void* base = block.base;
  runtime().scheduler.finish_device(block.device);
  runtime().memory.release(base);
}

Block* live_block(const void* base, Place place) {
  Block* block = runtime().memory.at(base);
  return block != nullptr && block->place == place && !block->freeing ? block : nullptr;
}

}  // namespace

cudaError_t cudaMalloc(void** pointer, std::size_t size) {
  return call([&]() -> cudaError_t {
    if (pointer == nullptr) return cudaErrorInvalidValue;
    if (const cudaError_t refused = runtime().captures.refuse_unsafe(); refused != cudaSuccess) return refused;
    return allocate_device(pointer, size);
  });
}

cudaError_t cudaFree(void* pointer) {
  return call([&]() -> cudaError_t {
    if (const cudaError_t refused = runtime().captures.refuse_unsafe(); refused != cudaSuccess) return refused;
    if (pointer == nullptr) return cudaSuccess;
    Block* block = live_block(pointer, Place::device);
    if (block == nullptr) return cudaErrorInvalidValue;
    ++runtime().counters.frees;
    release_when_idle(*block);
    return cudaSuccess;
  });
}

cudaError_t cudaMallocAsync(void** pointer, std::size_t size, cudaStream_t handle) {
  return call([&]() -> cudaError_t {
    CUstream_st* stream = runtime().scheduler.find(handle, runtime().device);
    if (stream == nullptr) return cudaErrorInvalidResourceHandle;
    if (pointer == nullptr) return cudaErrorInvalidValue;
    if (const cudaError_t refused = runtime().captures.refuse_wait(*stream); refused != cudaSuccess) return refused;
    return allocate_device(pointer, size);
  });
}

cudaError_t cudaFreeAsync(void* pointer, cudaStream_t handle) {
  return call([&]() -> cudaError_t {
    CUstream_st* stream = runtime().scheduler.find(handle, runtime().device);
    if (stream == nullptr) return cudaErrorInvalidResourceHandle;
    if (const cudaError_t refused = runtime().captures.refuse_wait(*stream); refused != cudaSuccess) return refused;
    if (pointer == nullptr) return cudaSuccess;
    Block* block = live_block(pointer, Place::device);
    if (block == nullptr) return cudaErrorInvalidValue;
    block->freeing = true;
    ++runtime().counters.frees;
    runtime().scheduler.enqueue(*stream, {.action = [pointer] { runtime().memory.release(pointer); }});
    return cudaSuccess;
  });
}

cudaError_t cudaMallocHost(void** pointer, std::size_t size) {
  return cudaHostAlloc(pointer, size, cudaHostAllocDefault);
}

cudaError_t cudaHostAlloc(void** pointer, std::size_t size, unsigned int flags) {
  return call([&]() -> cudaError_t {
    constexpr unsigned kFlags = cudaHostAllocPortable | cudaHostAllocMapped | cudaHostAllocWriteCombined;
    if (pointer == nullptr || (flags & ~kFlags) != 0) return cudaErrorInvalidValue;
    if (const cudaError_t refused = runtime().captures.refuse_unsafe(); refused != cudaSuccess) return refused;
    *pointer = nullptr;
    if (size == 0) return cudaSuccess;
    *pointer = allocate(size, Place::pinned, flags);
    if (*pointer == nullptr) return cudaErrorMemoryAllocation;
    ++runtime().counters.pinned_allocations;
    return cudaSuccess;
  });
}

cudaError_t cudaFreeHost(void* pointer) {
  return call([&]() -> cudaError_t {
    if (const cudaError_t refused = runtime().captures.refuse_unsafe(); refused != cudaSuccess) return refused;
    if (pointer == nullptr) return cudaSuccess;
    Block* block = live_block(pointer, Place::pinned);
    if (block == nullptr || block->registered) return cudaErrorInvalidValue;
    ++runtime().counters.pinned_frees;
    release_when_idle(*block);
    return cudaSuccess;
  });
}

cudaError_t cudaHostRegister(void* pointer, std::size_t size, unsigned int flags) {
  return call([&]() -> cudaError_t {
    if (pointer == nullptr || size == 0) return cudaErrorInvalidValue;
    if (const cudaError_t refused = runtime().captures.refuse_unsafe(); refused != cudaSuccess) return refused;
    Runtime& rt = runtime();
    const auto* last = static_cast<const char*>(pointer) + size - 1;
    for (const void* end : {static_cast<const void*>(pointer), static_cast<const void*>(last)}) {
      const Block* block = rt.memory.find(end);
      if (block != nullptr) {
        return block->place == Place::device ? cudaErrorInvalidValue : cudaErrorHostMemoryAlreadyRegistered;
      }
    }
    if (rt.errors.fails_allocation_now()) return cudaErrorMemoryAllocation;
    rt.memory.add_registered(pointer, size, rt.device, flags);
    ++rt.counters.pinned_allocations;
    return cudaSuccess;
  });
}

cudaError_t cudaHostUnregister(void* pointer) {
  return call([&]() -> cudaError_t {
    if (const cudaError_t refused = runtime().captures.refuse_unsafe(); refused != cudaSuccess) return refused;
    Block* block = live_block(pointer, Place::pinned);
    if (block == nullptr || !block->registered) return cudaErrorHostMemoryNotRegistered;
    ++runtime().counters.pinned_frees;
    release_when_idle(*block);
    return cudaSuccess;
  });
}

cudaError_t cudaHostGetDevicePointer(void** device_pointer, void* host_pointer, unsigned int flags) {
  return call([&]() -> cudaError_t {
    const Block* block = runtime().memory.find(host_pointer);
    if (device_pointer == nullptr || flags != 0) return cudaErrorInvalidValue;
    if (block == nullptr || block->place != Place::pinned) return cudaErrorInvalidValue;
    *device_pointer = host_pointer;
    return cudaSuccess;
  });
}

cudaError_t cudaHostGetFlags(unsigned int* flags, void* pointer) {
  return call([&]() -> cudaError_t {
    const Block* block = runtime().memory.find(pointer);
    if (flags == nullptr || block == nullptr || block->place != Place::pinned) return cudaErrorInvalidValue;
    *flags = block->flags;
    return cudaSuccess;
  });
}

cudaError_t cudaMemGetInfo(std::size_t* free, std::size_t* total) {
  return call([&]() -> cudaError_t {
    if (free == nullptr || total == nullptr) return cudaErrorInvalidValue;
    const Runtime& rt = runtime();
    *total = rt.machine.device_memory;
    *free = *total - rt.memory.device_bytes(rt.device);
    return cudaSuccess;
  });
}

cudaError_t cudaPointerGetAttributes(cudaPointerAttributes* attributes, const void* pointer) {
  return call([&]() -> cudaError_t {
    if (attributes == nullptr) return cudaErrorInvalidValue;
    const Block* block = runtime().memory.find(pointer);
    void* address = const_cast<void*>(pointer);
    *attributes = {};
    if (block == nullptr) {
      attributes->type = cudaMemoryTypeUnregistered;
      attributes->device = cudaInvalidDeviceId;
      attributes->hostPointer = address;
      return cudaSuccess;
    }
    attributes->type = block->place == Place::device ? cudaMemoryTypeDevice : cudaMemoryTypeHost;
    attributes->device = block->device;
    attributes->devicePointer = address;
    attributes->hostPointer = block->place == Place::device ? nullptr : address;
    return cudaSuccess;
  });
}
