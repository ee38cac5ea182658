// ring[(step - 1) mod capacity] = the terms of the loss; position += M, and past the last row 0 and epoch += 1.
//
// One thread.

#include "kernels/kernels.h"
#include "runtime/launch.h"

namespace lacuna::cuda {

namespace {

__device__ double value_or_zero(const double* value) {
  return value ? *value : 0.0;
}

__global__ void end_step_kernel(EndStepArgs p) {
  StepState& state = *p.state;
  const double samples = static_cast<double>(p.scalars->sample_count);
  StepLoss& slot = p.ring[(state.step - 1) % p.capacity];
  slot.reconstruction = value_or_zero(p.reconstruction);
  slot.sparsity = value_or_zero(p.sparsity);
  slot.weight_decay = value_or_zero(p.weight_decay);
  slot.mean_activation = value_or_zero(p.mean_activation);
  slot.samples = samples;
  state.position += static_cast<std::int64_t>(samples);
  if (state.position >= p.data_rows) {
    state.position = 0;
    state.epoch += 1;
  }
}

}  // namespace

void end_step(const Workspace& workspace, const EndStepArgs& p) {
  launch(&end_step_kernel, LaunchShape(1, 1, 0, workspace.stream), p);
}

}  // namespace lacuna::cuda
