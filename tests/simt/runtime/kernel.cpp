#include <cstdint>
#include <string>
#include <unordered_map>

#include "device/launch.h"
#include "device/symbols.h"
#include "runtime/device_model.h"
#include "runtime/runtime.h"

using simt::detail::call;
using simt::detail::runtime;

namespace simt::detail {
namespace {

/// Valid for ever.
const char* kernel_name(const void* kernel) {
  static std::unordered_map<const void*, std::string> names;
  const auto [entry, is_new] = names.try_emplace(kernel);
  if (is_new) entry->second = function_name(kernel);
  return entry->second.c_str();
}

std::size_t dynamic_shared_limit(const void* kernel) {
  const auto& limits = runtime().dynamic_shared_limits;
  const auto found = limits.find(kernel);
  return found == limits.end() ? kSharedPerBlock : static_cast<std::size_t>(found->second);
}

/// Static and dynamic together: once the attribute is set, the hardware's limit.
std::size_t shared_limit(const void* kernel) {
  return runtime().dynamic_shared_limits.contains(kernel) ? runtime().machine.shared_memory : kSharedPerBlock;
}

cudaError_t check_kernel(const void* kernel) {
  if (kernel == nullptr) return cudaErrorInvalidDeviceFunction;
  return runtime().machine.has_kernel_image ? cudaSuccess : cudaErrorNoKernelImageForDevice;
}

bool is_within(const dim3& size, const int (&limit)[3]) {
  return size.x - 1 < static_cast<unsigned>(limit[0]) && size.y - 1 < static_cast<unsigned>(limit[1]) &&
         size.z - 1 < static_cast<unsigned>(limit[2]);
}

std::uint64_t volume(const dim3& size) {
  return std::uint64_t{size.x} * size.y * size.z;
}

cudaError_t check_configuration(const cudaLaunchConfig_t& config, const void* kernel, bool cooperative) {
  if (!is_within(config.gridDim, kMaxGrid) || !is_within(config.blockDim, kMaxBlock)) {
    return cudaErrorInvalidConfiguration;
  }
  if (cooperative && !runtime().machine.cooperative_launch) return cudaErrorNotSupported;
  const std::uint64_t threads = volume(config.blockDim);
  if (threads > kMaxThreadsPerBlock) return cudaErrorInvalidConfiguration;
  if (config.dynamicSmemBytes > dynamic_shared_limit(kernel)) return cudaErrorInvalidValue;
  const auto resident =
      static_cast<std::uint64_t>(blocks_per_multiprocessor(static_cast<int>(threads), config.dynamicSmemBytes));
  if (cooperative && volume(config.gridDim) > resident * runtime().machine.multiprocessors)
    return cudaErrorCooperativeLaunchTooLarge;
  return cudaSuccess;
}

struct Attributes {
  bool cooperative = false;
  bool clustered = false;
  bool programmatic = false;
};

Attributes read_attributes(const cudaLaunchConfig_t& config) {
  Attributes attributes;
  for (unsigned i = 0; i < config.numAttrs; ++i) {
    const cudaLaunchAttribute& attribute = config.attrs[i];
    if (attribute.id == cudaLaunchAttributeCooperative) attributes.cooperative = attribute.val.cooperative != 0;
    if (attribute.id == cudaLaunchAttributeProgrammaticStreamSerialization) {
      attributes.programmatic = attribute.val.programmaticStreamSerializationAllowed != 0;
    }
    if (attribute.id == cudaLaunchAttributeClusterDimension) {
      const auto& cluster = attribute.val.clusterDim;
      attributes.clustered = cluster.x * cluster.y * cluster.z > 1;
    }
  }
  return attributes;
}

}  // namespace

cudaError_t launch(const cudaLaunchConfig_t& config, const void* kernel, std::function<void()> body) {
  return call([&]() -> cudaError_t {
    if (const cudaError_t error = check_kernel(kernel); error != cudaSuccess) return error;
    const Attributes attributes = read_attributes(config);
    // The emulator has no distributed shared memory: better refused than run as if it had.
    if (attributes.clustered) return cudaErrorNotSupported;
    if (attributes.cooperative && attributes.programmatic) return cudaErrorNotSupported;
    if (const cudaError_t error = check_configuration(config, kernel, attributes.cooperative); error != cudaSuccess) {
      return error;
    }
    Launch launched;
    launched.grid = config.gridDim;
    launched.block = config.blockDim;
    launched.shared_bytes = config.dynamicSmemBytes;
    launched.cooperative = attributes.cooperative;
    launched.name = kernel_name(kernel);
    launched.body = std::move(body);
    launched.shared_limit = shared_limit(kernel);
    launched.programmatic = attributes.programmatic;
    Work work;
    work.type = cudaGraphNodeTypeKernel;
    work.cost.launches = 1;
    if (launched.programmatic) {
      work.cost.programmatic = 1;
      work.begin = [launched]() -> std::function<void()> {
        return [rest = begin(launched)] { run_unless_lost(rest); };
      };
    }
    work.action = [launched = std::move(launched)] { run_unless_lost([&] { run(launched); }); };
    return submit(config.stream, std::move(work));
  });
}

}  // namespace simt::detail

cudaError_t cudaFuncSetAttribute(const void* kernel, cudaFuncAttribute attribute, int value) {
  return call([&]() -> cudaError_t {
    if (const cudaError_t error = simt::detail::check_kernel(kernel); error != cudaSuccess) return error;
    if (attribute < cudaFuncAttributeMaxDynamicSharedMemorySize || attribute >= cudaFuncAttributeMax) {
      return cudaErrorInvalidValue;
    }
    if (attribute != cudaFuncAttributeMaxDynamicSharedMemorySize) return cudaSuccess;
    if (value < 0 || static_cast<std::size_t>(value) > runtime().machine.shared_memory) return cudaErrorInvalidValue;
    runtime().dynamic_shared_limits[kernel] = value;
    return cudaSuccess;
  });
}

cudaError_t cudaFuncGetAttributes(cudaFuncAttributes* attributes, const void* kernel) {
  return call([&]() -> cudaError_t {
    if (attributes == nullptr) return cudaErrorInvalidValue;
    if (const cudaError_t error = simt::detail::check_kernel(kernel); error != cudaSuccess) return error;
    *attributes = {};
    attributes->maxThreadsPerBlock = simt::detail::kMaxThreadsPerBlock;
    attributes->numRegs = simt::detail::kRegistersPerThread;
    attributes->ptxVersion = simt::detail::kArchitecture;
    attributes->binaryVersion = simt::detail::kArchitecture;
    attributes->maxDynamicSharedSizeBytes = static_cast<int>(simt::detail::dynamic_shared_limit(kernel));
    attributes->preferredShmemCarveout = -1;
    return cudaSuccess;
  });
}

cudaError_t cudaFuncGetName(const char** name, const void* kernel) {
  return call([&]() -> cudaError_t {
    if (name == nullptr) return cudaErrorInvalidValue;
    if (const cudaError_t error = simt::detail::check_kernel(kernel); error != cudaSuccess) return error;
    *name = simt::detail::kernel_name(kernel);
    return cudaSuccess;
  });
}

cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessor(int* blocks, const void* kernel, int block_size,
                                                          std::size_t dynamic_shared) {
  return call([&]() -> cudaError_t {
    if (blocks == nullptr || block_size <= 0) return cudaErrorInvalidValue;
    if (const cudaError_t error = simt::detail::check_kernel(kernel); error != cudaSuccess) return error;
    *blocks = simt::detail::blocks_per_multiprocessor(block_size, dynamic_shared);
    return cudaSuccess;
  });
}
