#include <cstdint>
#include <string>

#include "device/message.h"
#include "device/run.h"

namespace simt {
namespace {

void require(bool holds, const Launch& launch, const std::string& message) {
  if (!holds) throw Fault("simt: kernel " + std::string(launch.name) + ": " + message);
}

}  // namespace

void check_limits(const Launch& launch) {
  const dim3 grid = launch.grid, block = launch.block;
  const std::uint64_t threads = std::uint64_t{block.x} * block.y * block.z;
  require(grid.x > 0 && grid.y > 0 && grid.z > 0, launch, "grid " + describe(grid) + " is empty");
  require(threads > 0, launch, "block " + describe(block) + " is empty");
  require(grid.x <= 0x7fffffff && grid.y <= 0xffff && grid.z <= 0xffff, launch,
          "grid " + describe(grid) + " exceeds (2147483647,65535,65535)");
  require(block.x <= 1024 && block.y <= 1024 && block.z <= 64, launch,
          "block " + describe(block) + " exceeds (1024,1024,64)");
  require(threads <= kMaxThreads, launch,
          "block " + describe(block) + " has " + std::to_string(threads) + " threads, at most 1024 are allowed");
  require(!launch.cooperative || !launch.programmatic, launch,
          "programmatic stream serialization of a cooperative launch is not emulated");
  require(launch.shared_bytes <= kMaxSharedBytes, launch,
          std::to_string(launch.shared_bytes) + " bytes of shared memory asked for, a block has at most " +
              std::to_string(kMaxSharedBytes));
  require(launch.shared_bytes <= launch.shared_limit, launch,
          std::to_string(launch.shared_bytes) + " bytes of dynamic shared memory asked for, allowed are " +
              std::to_string(launch.shared_limit) + " (cudaFuncSetAttribute raises it)");
}

}  // namespace simt
