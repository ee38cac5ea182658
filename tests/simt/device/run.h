#pragma once

#include "device/block.h"
#include "device/launch.h"

// What the parts of the emulator ask of the launch that is running.
namespace simt {

const char* running_kernel();

// Throws Fault where the device would refuse the launch.
void check_limits(const Launch& launch);

// Notes a fault, for stop_thread(), if static and dynamic shared memory together exceed what the kernel may use.
bool exceeds_shared_limit(const Block& block);

// x changes fastest.
constexpr uint3 index_in(dim3 shape, unsigned linear) {
  return {linear % shape.x, linear / shape.x % shape.y, linear / shape.x / shape.y};
}

}  // namespace simt
