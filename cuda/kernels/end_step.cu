// ring[(step - 1) mod capacity] = the terms of the loss; position += M, and past the last row 0 and epoch += 1.
//
// One thread; update_parameters.cu does the same on its way where a step ends with an update.

#include "kernels/step_ends.cuh"
#include "kernels/step_launch.h"

namespace lacuna::cuda {

namespace {

__global__ void end_step_kernel(EndStepArgs p) {
  wait_for_previous();
  end_the_step(p);
}

}  // namespace

void end_step(const Workspace& workspace, const EndStepArgs& p) {
  launch(&end_step_kernel, step_shape(1, 1, workspace), p);
}

}  // namespace lacuna::cuda
