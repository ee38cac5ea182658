#pragma once

#include "device/dependency.cuh"
#include "kernels/kernels.h"
#include "runtime/launch.h"

namespace lacuna::cuda {

/// Of a kernel of a training step, which begins with wait_for_previous(): programmatic, if the workspace says so.
inline LaunchShape step_shape(dim3 grid, dim3 block, const Workspace& workspace, const char* file = __builtin_FILE(),
                              int line = __builtin_LINE()) {
  LaunchShape shape(grid, block, 0, workspace.stream, file, line);
  shape.programmatic = workspace.programmatic;
  return shape;
}

}  // namespace lacuna::cuda
