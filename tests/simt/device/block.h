#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "device/static_shared.h"
#include "device/thread.h"
#include "device/types.h"

namespace simt {

struct Release {
  void operator()(void* memory) const { std::free(memory); }
};

// The threads of a block and their shared memory.
struct Block {
  uint3 index{};
  std::vector<Thread> threads;
  std::unique_ptr<std::byte, Release> dynamic_shared;  // exactly as large as asked, so that ASan sees an overrun
  StaticShared static_shared;
  bool done = false;
  bool waited = false;  // in cudaGridDependencySynchronize(), some thread at least
};

inline constexpr unsigned kLanes = 32;
// Shared memory holds this before a block writes it: NaN in every floating-point format.
inline constexpr int kUnwritten = 0xFF;

// Lets every group of lanes go on whose lanes have all arrived at the same operation; says whether there was one.
// Throws Fault for a mask that can never be satisfied.
bool release_warp(Block& block, unsigned warp);

enum class Progress { released, at_grid, at_dependency, done };

// To be called when no thread of the block can go on: lets all go on if all wait at the same __syncthreads().
// Throws Fault if they wait at different places, or some have exited; not while one waits for what is before the
// kernel.
Progress release_block(Block& block);

}  // namespace simt
