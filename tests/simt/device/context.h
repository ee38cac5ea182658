#pragma once

#include <string>

#include "device/thread.h"
#include "device/types.h"

// What the running thread sees of itself. Set before a thread gets its turn.
namespace simt {

struct Block;

struct Context {
  uint3 thread_index{}, block_index{};
  dim3 block_dim, grid_dim;
  Block* block = nullptr;  // null: no kernel is running
  Thread* thread = nullptr;
  unsigned rank = 0;  // of the thread in its block
};

extern Context context;

// Throws unless a kernel is running: the device-side API has no meaning outside of one.
void require_kernel(const char* call);

bool is_cooperative();  // whether the running launch is

// The running thread waits in this state until the scheduler lets it go on; returns what it got.
std::uint64_t wait(State state, const Rendezvous& rendezvous);

// Ends the launch with a Fault about the running thread. The scheduler throws it: an exception must not cross the stack
// of a fiber, where a noexcept function may stand in its way. The fiber is dropped without running destructors, so the
// caller should hold no memory.
[[noreturn]] void fail(const char* message, const Site& site);

// The same in two steps, for a message that has to be composed: memory is released between them.
void note_fault(const std::string& message);
[[noreturn]] void stop_thread();

}  // namespace simt

inline const uint3& threadIdx = simt::context.thread_index;
inline const uint3& blockIdx = simt::context.block_index;
inline const dim3& blockDim = simt::context.block_dim;
inline const dim3& gridDim = simt::context.grid_dim;
inline constexpr int warpSize = 32;
