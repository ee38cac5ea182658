#include "devices.h"

#include <cuda_runtime_api.h>
#include <fmt/format.h>

#include "core/cuda_entry.h"
#include "cuda_backend.h"
#include "kernels/kernels.h"
#include "lacuna/error.h"
#include "runtime/memory.h"

namespace lacuna::cuda {

namespace {

/// "13.0" of 13000.
std::string version_text(int version) {
  return fmt::format("{}.{}", version / 1000, version % 1000 / 10);
}

int driver_version() {
  int version = 0;
  if (cudaDriverGetVersion(&version) != cudaSuccess) ignore(cudaGetLastError());
  return version;
}

/// Number of devices, or in `why` what is missing.
int count_devices(std::string& why) {
  int count = 0;
  const cudaError_t status = cudaGetDeviceCount(&count);
  if (status == cudaSuccess && count > 0) return count;
  ignore(cudaGetLastError());
  const int driver = driver_version();
  if (driver == 0)
    why = "no NVIDIA driver is installed";
  else if (driver < CUDART_VERSION && status == cudaErrorInsufficientDriver)
    why = fmt::format("the driver is too old: it supports CUDA {}, this build needs {}", version_text(driver),
                      version_text(CUDART_VERSION));
  else if (status == cudaErrorNoDevice || status == cudaSuccess)
    why = fmt::format("the driver (CUDA {}) finds no GPU", version_text(driver));
  else
    why = fmt::format("the driver (CUDA {}) reports: {}", version_text(driver), cudaGetErrorString(status));
  return 0;
}

cudaDeviceProp properties(int index) {
  cudaDeviceProp result{};
  LACUNA_CUDA(cudaGetDeviceProperties(&result, index));
  return result;
}

[[noreturn]] void unusable(int index, const std::string& why, const std::string& advice) {
  throw InputError(fmt::format("--device cuda{}: {}; {}", index > 0 ? fmt::format(":{}", index) : "", why, advice));
}

}  // namespace

int use_device(int index) {
  std::string why;
  const int count = count_devices(why);
  if (count == 0) unusable(index, why, "use --device cpu");
  if (index >= count)
    unusable(
        index,
        fmt::format("there {} only {} GPU{}, counted from 0", count == 1 ? "is" : "are", count, count == 1 ? "" : "s"),
        "lacuna devices lists them");
  LACUNA_CUDA(cudaSetDevice(index));
  const cudaDeviceProp device = properties(index);
  if (!kernels_run_here())
    unusable(index,
             fmt::format("this build has no kernels for {} (compute capability {}.{})", device.name, device.major,
                         device.minor),
             device.major < 8
                 ? std::string("Lacuna needs 8.0 or newer; use --device cpu")
                 : fmt::format("build it with -DCMAKE_CUDA_ARCHITECTURES={}{}", device.major, device.minor));
  return device.multiProcessorCount;
}

DeviceDescription describe_device(int index) {
  const cudaDeviceProp device = properties(index);
  return {"cuda",
          device.name,
          {{"index", std::to_string(index)},
           {"compute capability", fmt::format("{}.{}", device.major, device.minor)},
           {"multiprocessors", std::to_string(device.multiProcessorCount)},
           {"memory", readable_bytes(static_cast<std::int64_t>(device.totalGlobalMem))},
           {"driver", fmt::format("CUDA {}", version_text(driver_version()))},
           {"toolkit", fmt::format("CUDA {}", version_text(CUDART_VERSION))}}};
}

DeviceList list() {
  std::string why;
  const int count = count_devices(why);
  if (count == 0) return {{}, {"cuda: " + why}};
  DeviceList all;
  for (int index = 0; index < count; ++index) all.devices.push_back(describe_device(index));
  return all;
}

std::unique_ptr<Backend> make_backend(int index, const BackendOptions& options) {
  return std::make_unique<CudaBackend>(index, options);
}

}  // namespace lacuna::cuda
