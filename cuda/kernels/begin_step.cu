// step += 1; then this step's scalars: learning rate, Adam's step size lr / (1 - beta1^t) and 1 / sqrt(1 - beta2^t), M.
//
// One thread. They live in device memory, because a captured graph would freeze what is passed by value.
// Adam's corrections: Kingma and Ba 2015, as torch.optim.Adam computes them.

#include <cmath>

#include "kernels/kernels.h"
#include "runtime/launch.h"

namespace lacuna::cuda {

namespace {

__global__ void begin_step_kernel(StepState* state, StepScalars* scalars, float rows, double learning_rate,
                                  double beta1, double beta2) {
  state->step += 1;
  const auto t = static_cast<double>(state->step);
  scalars->learning_rate = static_cast<float>(learning_rate);
  scalars->adam_step_size = static_cast<float>(learning_rate / (1.0 - pow(beta1, t)));
  scalars->adam_inv_sqrt_correction2 = static_cast<float>(1.0 / sqrt(1.0 - pow(beta2, t)));
  scalars->sample_count = rows;
}

}  // namespace

void begin_step(const Workspace& workspace, StepState* state, StepScalars* scalars, std::int64_t rows,
                const Optimizer& optimizer) {
  launch(&begin_step_kernel, LaunchShape(1, 1, 0, workspace.stream), state, scalars, static_cast<float>(rows),
         optimizer.learning_rate, optimizer.beta1, optimizer.beta2);
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

}  // namespace lacuna::cuda
