#include "runtime/memory.h"

#include <fmt/format.h>

#include "lacuna/error.h"

namespace lacuna::cuda {

DeviceMemory::DeviceMemory(std::int64_t bytes, const std::string& purpose, const std::string& advice) : bytes_(bytes) {
  void* memory = nullptr;
  const cudaError_t status = cudaMalloc(&memory, static_cast<std::size_t>(bytes > 0 ? bytes : 1));
  if (status == cudaErrorMemoryAllocation) {
    ignore(cudaGetLastError());
    const MemoryInfo info = memory_info();
    throw MemoryError(fmt::format("out of GPU memory: {} needed for {}, {} free of {}{}{}", readable_bytes(bytes),
                                  purpose, readable_bytes(info.free), readable_bytes(info.total),
                                  advice.empty() ? "" : "; ", advice));
  }
  check(status, "cudaMalloc", __FILE__, __LINE__);
  memory_ = decltype(memory_)(static_cast<std::byte*>(memory));
}

PinnedMemory::PinnedMemory(std::int64_t bytes) {
  void* memory = nullptr;
  LACUNA_CUDA(cudaMallocHost(&memory, static_cast<std::size_t>(bytes)));
  memory_ = decltype(memory_)(static_cast<std::byte*>(memory));
}

MemoryInfo memory_info() {
  std::size_t available = 0, total = 0;
  LACUNA_CUDA(cudaMemGetInfo(&available, &total));
  return {static_cast<std::int64_t>(available), static_cast<std::int64_t>(total)};
}

std::string readable_bytes(std::int64_t bytes) {
  const auto value = static_cast<double>(bytes);
  if (value >= 0x1p30) return fmt::format("{:.1f} GiB", value / 0x1p30);
  if (value >= 0x1p20) return fmt::format("{:.1f} MiB", value / 0x1p20);
  return fmt::format("{:.1f} KiB", value / 0x1p10);
}

}  // namespace lacuna::cuda
