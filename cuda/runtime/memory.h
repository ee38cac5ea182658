#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "runtime/check.h"
#include "runtime/handle.h"

namespace lacuna::cuda {

inline cudaError_t free_device(std::byte* memory) {
  return cudaFree(memory);
}
inline cudaError_t free_pinned(std::byte* memory) {
  return cudaFreeHost(memory);
}

/// Device memory, aligned to 256 bytes, of arbitrary contents. Throws InputError saying how much was asked for, for
/// what, and how much there is, followed by `advice`.
class DeviceMemory {
 public:
  DeviceMemory() = default;
  DeviceMemory(std::int64_t bytes, const std::string& purpose, const std::string& advice = "");

  std::byte* get() const { return memory_.get(); }
  std::int64_t bytes() const { return bytes_; }

 private:
  Handle<std::byte*, free_device> memory_;
  std::int64_t bytes_ = 0;
};

/// Host memory that the device copies to without the host waiting.
class PinnedMemory {
 public:
  explicit PinnedMemory(std::int64_t bytes);

  std::byte* get() const { return memory_.get(); }

 private:
  Handle<std::byte*, free_pinned> memory_;
};

/// Free and total memory of the current device, in bytes.
struct MemoryInfo {
  std::int64_t free = 0, total = 0;
};
MemoryInfo memory_info();

/// "1.5 GiB", "12 MiB".
std::string readable_bytes(std::int64_t bytes);

}  // namespace lacuna::cuda
