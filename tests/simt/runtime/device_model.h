#pragma once

#include <cstddef>

namespace simt::detail {

// The emulated device: the limits of compute capability 9.0.
constexpr int kArchitecture = 90;
constexpr int kMultiprocessors = 132;
constexpr int kWarp = 32;
constexpr int kMaxThreadsPerBlock = 1024;
constexpr int kMaxThreadsPerMultiprocessor = 2048;
constexpr int kMaxBlocksPerMultiprocessor = 32;
constexpr int kMaxBlock[3] = {1024, 1024, 64};
constexpr int kMaxGrid[3] = {2147483647, 65535, 65535};
constexpr int kRegistersPerMultiprocessor = 65536;
/// Of every kernel: the host compiler does not know better.
constexpr int kRegistersPerThread = 32;
constexpr std::size_t kSharedPerBlock = 48 * 1024;
constexpr std::size_t kSharedPerBlockOptIn = 227 * 1024;
constexpr std::size_t kSharedPerMultiprocessor = 228 * 1024;
constexpr std::size_t kSharedReservedPerBlock = 1024;

/// Blocks of a kernel that are resident at once; 0 if none fits.
int blocks_per_multiprocessor(int threads, std::size_t dynamic_shared);

}  // namespace simt::detail
