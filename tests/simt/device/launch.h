#pragma once

#include <cstddef>
#include <functional>

#include "device/fault.h"
#include "device/types.h"

namespace simt {

// What a block may ask for on the device that is emulated (compute capability 9.0).
inline constexpr unsigned kMaxThreads = 1024;
inline constexpr std::size_t kDefaultSharedLimit = 48 * 1024;
inline constexpr std::size_t kMaxSharedBytes = 227 * 1024;

struct Launch {
  dim3 grid, block;
  std::size_t shared_bytes = 0;    // dynamic shared memory of each block
  bool cooperative = false;        // all blocks resident: this_grid().sync() may be used
  const char* name = "(unnamed)";  // for messages
  std::function<void()> body;      // called once for each thread
  // The most shared memory, static and dynamic, that this kernel may use; more than the default only where
  // cudaFuncSetAttribute asked for it.
  std::size_t shared_limit = kDefaultSharedLimit;
  // Programmatic stream serialization: every block must come to cudaGridDependencySynchronize(), whether the launch
  // began early or not.
  bool programmatic = false;
};

// Runs the kernel to its end on this OS thread. Throws Fault for a bug; what the kernel itself throws comes out as it
// is.
void run(const Launch& launch);

// Begins a programmatic launch before what it depends on has run: its first blocks, each thread up to its
// cudaGridDependencySynchronize(). What comes back runs the rest, once; `launch.name` must live until then.
std::function<void()> begin(Launch launch);

// The order in which blocks, the warps of a block and the lanes of a warp take their turns. A warp goes as far as it
// can before the next one starts, so a race between two barriers gives different bits in forward and in reverse order.
struct Schedule {
  enum class Order { forward, reverse, random } order = Order::forward;
  unsigned seed = 0;  // of the random order: the same seed gives the same order
};

void set_schedule(Schedule schedule);  // for the launches that follow
Schedule schedule();

}  // namespace simt
