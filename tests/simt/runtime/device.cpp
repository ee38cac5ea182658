#include <algorithm>
#include <cstdio>
#include <iterator>
#include <optional>

#include "runtime/device_model.h"
#include "runtime/runtime.h"

using simt::detail::call;
using simt::detail::runtime;

namespace simt::detail {
namespace {

constexpr int kL2Bytes = 50 * 1024 * 1024;
constexpr int kBusWidth = 5120;
constexpr int kClockKHz = 1755000;
constexpr int kMemoryClockKHz = 2619000;

bool exists(int device) {
  return device >= 0 && device < runtime().machine.devices;
}

cudaDeviceProp properties(int device) {
  cudaDeviceProp prop{};
  std::snprintf(prop.name, sizeof prop.name, "Emulated device");
  prop.uuid.bytes[15] = static_cast<char>(device);
  prop.major = kArchitecture / 10;
  prop.minor = kArchitecture % 10;
  prop.multiProcessorCount = runtime().machine.multiprocessors;
  prop.warpSize = kWarp;
  prop.totalGlobalMem = runtime().machine.device_memory;
  prop.totalConstMem = 64 * 1024;
  prop.memPitch = 2147483647;
  prop.sharedMemPerBlock = kSharedPerBlock;
  prop.sharedMemPerBlockOptin = runtime().machine.shared_memory;
  prop.sharedMemPerMultiprocessor = kSharedPerMultiprocessor;
  prop.reservedSharedMemPerBlock = kSharedReservedPerBlock;
  prop.regsPerBlock = kRegistersPerMultiprocessor;
  prop.regsPerMultiprocessor = kRegistersPerMultiprocessor;
  prop.maxThreadsPerBlock = kMaxThreadsPerBlock;
  prop.maxThreadsPerMultiProcessor = kMaxThreadsPerMultiprocessor;
  prop.maxBlocksPerMultiProcessor = kMaxBlocksPerMultiprocessor;
  std::copy(std::begin(kMaxBlock), std::end(kMaxBlock), prop.maxThreadsDim);
  std::copy(std::begin(kMaxGrid), std::end(kMaxGrid), prop.maxGridSize);
  prop.l2CacheSize = kL2Bytes;
  prop.persistingL2CacheMaxSize = kL2Bytes / 4 * 3;
  prop.accessPolicyMaxWindowSize = 128 * 1024 * 1024;
  prop.memoryBusWidth = kBusWidth;
  prop.ECCEnabled = 1;
  prop.asyncEngineCount = 3;
  prop.concurrentKernels = 1;
  prop.cooperativeLaunch = runtime().machine.cooperative_launch ? 1 : 0;
  prop.unifiedAddressing = 1;
  prop.canMapHostMemory = 1;
  prop.hostRegisterSupported = 1;
  prop.memoryPoolsSupported = 1;
  prop.streamPrioritiesSupported = 1;
  prop.pciBusID = device + 1;
  return prop;
}

constexpr int to_int(std::size_t value) {
  return static_cast<int>(value);
}

/// Nothing for a number that is no attribute.
std::optional<int> attribute_of(const cudaDeviceProp& prop, cudaDeviceAttr attribute) {
  switch (attribute) {
    case cudaDevAttrMaxThreadsPerBlock:
      return prop.maxThreadsPerBlock;
    case cudaDevAttrMaxBlockDimX:
      return prop.maxThreadsDim[0];
    case cudaDevAttrMaxBlockDimY:
      return prop.maxThreadsDim[1];
    case cudaDevAttrMaxBlockDimZ:
      return prop.maxThreadsDim[2];
    case cudaDevAttrMaxGridDimX:
      return prop.maxGridSize[0];
    case cudaDevAttrMaxGridDimY:
      return prop.maxGridSize[1];
    case cudaDevAttrMaxGridDimZ:
      return prop.maxGridSize[2];
    case cudaDevAttrMaxSharedMemoryPerBlock:
      return to_int(prop.sharedMemPerBlock);
    case cudaDevAttrTotalConstantMemory:
      return to_int(prop.totalConstMem);
    case cudaDevAttrWarpSize:
      return prop.warpSize;
    case cudaDevAttrMaxRegistersPerBlock:
      return prop.regsPerBlock;
    case cudaDevAttrClockRate:
      return kClockKHz;
    case cudaDevAttrMultiProcessorCount:
      return prop.multiProcessorCount;
    case cudaDevAttrIntegrated:
      return prop.integrated;
    case cudaDevAttrCanMapHostMemory:
      return prop.canMapHostMemory;
    case cudaDevAttrConcurrentKernels:
      return prop.concurrentKernels;
    case cudaDevAttrEccEnabled:
      return prop.ECCEnabled;
    case cudaDevAttrPciBusId:
      return prop.pciBusID;
    case cudaDevAttrPciDeviceId:
      return prop.pciDeviceID;
    case cudaDevAttrMemoryClockRate:
      return kMemoryClockKHz;
    case cudaDevAttrGlobalMemoryBusWidth:
      return prop.memoryBusWidth;
    case cudaDevAttrL2CacheSize:
      return prop.l2CacheSize;
    case cudaDevAttrMaxThreadsPerMultiProcessor:
      return prop.maxThreadsPerMultiProcessor;
    case cudaDevAttrAsyncEngineCount:
      return prop.asyncEngineCount;
    case cudaDevAttrUnifiedAddressing:
      return prop.unifiedAddressing;
    case cudaDevAttrPciDomainId:
      return prop.pciDomainID;
    case cudaDevAttrComputeCapabilityMajor:
      return prop.major;
    case cudaDevAttrComputeCapabilityMinor:
      return prop.minor;
    case cudaDevAttrStreamPrioritiesSupported:
      return prop.streamPrioritiesSupported;
    case cudaDevAttrMaxSharedMemoryPerMultiprocessor:
      return to_int(prop.sharedMemPerMultiprocessor);
    case cudaDevAttrMaxRegistersPerMultiprocessor:
      return prop.regsPerMultiprocessor;
    case cudaDevAttrManagedMemory:
      return prop.managedMemory;
    case cudaDevAttrPageableMemoryAccess:
      return prop.pageableMemoryAccess;
    case cudaDevAttrCooperativeLaunch:
      return prop.cooperativeLaunch;
    case cudaDevAttrMaxSharedMemoryPerBlockOptin:
      return to_int(prop.sharedMemPerBlockOptin);
    case cudaDevAttrHostRegisterSupported:
      return prop.hostRegisterSupported;
    case cudaDevAttrMaxBlocksPerMultiprocessor:
      return prop.maxBlocksPerMultiProcessor;
    case cudaDevAttrMaxPersistingL2CacheSize:
      return prop.persistingL2CacheMaxSize;
    case cudaDevAttrMaxAccessPolicyWindowSize:
      return prop.accessPolicyMaxWindowSize;
    case cudaDevAttrReservedSharedMemoryPerBlock:
      return to_int(prop.reservedSharedMemPerBlock);
    case cudaDevAttrMemoryPoolsSupported:
      return prop.memoryPoolsSupported;
    case cudaDevAttrClusterLaunch:
      return prop.clusterLaunch;
  }
  return std::nullopt;
}

}  // namespace

int blocks_per_multiprocessor(int threads, std::size_t dynamic_shared) {
  if (threads > kMaxThreadsPerBlock || dynamic_shared > runtime().machine.shared_memory) return 0;
  const int warps = (threads + kWarp - 1) / kWarp;
  const int by_threads = kMaxThreadsPerMultiprocessor / (warps * kWarp);
  const int by_registers = kRegistersPerMultiprocessor / (warps * kWarp * kRegistersPerThread);
  const int by_shared = to_int(kSharedPerMultiprocessor / (dynamic_shared + kSharedReservedPerBlock));
  return std::min({by_threads, by_registers, by_shared, kMaxBlocksPerMultiprocessor});
}

}  // namespace simt::detail

using simt::detail::exists;

cudaError_t cudaGetDeviceCount(int* count) {
  return call([&]() -> cudaError_t {
    if (count == nullptr) return cudaErrorInvalidValue;
    *count = runtime().machine.devices;
    return cudaSuccess;
  });
}

cudaError_t cudaSetDevice(int device) {
  return call([&]() -> cudaError_t {
    if (!exists(device)) return cudaErrorInvalidDevice;
    runtime().device = device;
    return cudaSuccess;
  });
}

cudaError_t cudaInitDevice(int device, unsigned int, unsigned int) {
  return call([&]() -> cudaError_t { return exists(device) ? cudaSuccess : cudaErrorInvalidDevice; });
}

cudaError_t cudaSetDeviceFlags(unsigned int) {
  return call([]() -> cudaError_t { return cudaSuccess; });
}

cudaError_t cudaGetDevice(int* device) {
  return call([&]() -> cudaError_t {
    if (device == nullptr) return cudaErrorInvalidValue;
    *device = runtime().device;
    return cudaSuccess;
  });
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp* prop, int device) {
  return call([&]() -> cudaError_t {
    if (prop == nullptr) return cudaErrorInvalidValue;
    if (!exists(device)) return cudaErrorInvalidDevice;
    *prop = simt::detail::properties(device);
    return cudaSuccess;
  });
}

cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int device) {
  return call([&]() -> cudaError_t {
    if (value == nullptr) return cudaErrorInvalidValue;
    if (!exists(device)) return cudaErrorInvalidDevice;
    const auto found = simt::detail::attribute_of(simt::detail::properties(device), attribute);
    if (!found) return cudaErrorInvalidValue;
    *value = *found;
    return cudaSuccess;
  });
}

cudaError_t cudaDeviceGetPCIBusId(char* id, int length, int device) {
  return call([&]() -> cudaError_t {
    constexpr int kIdLength = 13;  // "dddd:bb:dd.f" and the end
    if (id == nullptr || length < kIdLength) return cudaErrorInvalidValue;
    if (!exists(device)) return cudaErrorInvalidDevice;
    std::snprintf(id, static_cast<std::size_t>(length), "0000:%02X:00.0", static_cast<unsigned>(device + 1) & 0xFFU);
    return cudaSuccess;
  });
}

cudaError_t cudaDeviceSynchronize() {
  return call([]() -> cudaError_t {
    if (const cudaError_t refused = runtime().captures.refuse_device_wait(); refused != cudaSuccess) return refused;
    ++runtime().counters.synchronisations;
    runtime().scheduler.finish_device(runtime().device);
    return cudaSuccess;
  });
}

cudaError_t cudaDeviceReset() {
  return call([]() -> cudaError_t {
    if (const cudaError_t refused = runtime().captures.refuse_device_wait(); refused != cudaSuccess) return refused;
    runtime().reset_device();
    return cudaSuccess;
  });
}

// The version calls need no driver that works.

cudaError_t cudaDriverGetVersion(int* version) {
  if (version == nullptr) return runtime().errors.leave(cudaErrorInvalidValue);
  *version = runtime().machine.driver_version;
  return cudaSuccess;
}

cudaError_t cudaRuntimeGetVersion(int* version) {
  if (version == nullptr) return runtime().errors.leave(cudaErrorInvalidValue);
  *version = CUDART_VERSION;
  return cudaSuccess;
}

cudaError_t cudaProfilerStart() {
  return call([]() -> cudaError_t { return cudaSuccess; });
}

cudaError_t cudaProfilerStop() {
  return call([]() -> cudaError_t { return cudaSuccess; });
}
