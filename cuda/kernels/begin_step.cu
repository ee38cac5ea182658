// step += 1; then this step's scalars: the scheduled learning rate lr, Adam's step size lr / (1 - beta1^t) and
// 1 / sqrt(1 - beta2^t), M, and the annealed number of units that a top-k code keeps (math/schedule.h).
//
// One thread; gather.cu does the same on its way where a batch is gathered next. The scalars live in device memory,
// because a captured graph would freeze what is passed by value.

#include "kernels/step_ends.cuh"
#include "kernels/step_launch.h"

namespace lacuna::cuda {

namespace {

__global__ void begin_step_kernel(BeginStepArgs p) {
  wait_for_previous();
  begin_the_step(p);
}

}  // namespace

void begin_step(const Workspace& workspace, const BeginStepArgs& p) {
  launch(&begin_step_kernel, step_shape(1, 1, workspace), p);
}

bool kernels_run_here() {
  cudaFuncAttributes attributes{};
  const cudaError_t status = cudaFuncGetAttributes(&attributes, begin_step_kernel);
  if (status == cudaErrorNoKernelImageForDevice || status == cudaErrorInvalidDeviceFunction ||
      status == cudaErrorUnsupportedPtxVersion) {
    ignore(cudaGetLastError());
    return false;
  }
  LACUNA_CUDA(status);
  return true;
}

bool kernels_wait_here() {
  // Not the device's capability: PTX for 8.0 has no waiting in it on newer devices either.
  constexpr int kFirst = 90;
  cudaFuncAttributes attributes{};
  LACUNA_CUDA(cudaFuncGetAttributes(&attributes, begin_step_kernel));
  return attributes.ptxVersion >= kFirst;
}

}  // namespace lacuna::cuda
