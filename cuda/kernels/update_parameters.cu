// g += lambda w where the range decays; w, moments <- optimizer(w, g, moments); value = lambda/2 sum w^2 before the
// update.
//
// One launch over the whole slab of parameters: each block takes one segment of up to 4096 elements that lies within
// one range, so the padding between ranges is not touched. Optimizers of math/update.h; their rates come from device
// memory. Threads: 256, four elements each; any size. Adam reads 4 and writes 3 floats for each parameter.
// Deterministic. The block that finishes last ends the step, if that is wanted: and begins the next: by then
// nobody reads state and scalars any more.

#include "device/column_pass.cuh"
#include "kernels/pass_launch.h"
#include "kernels/step_ends.cuh"
#include "lacuna/math/update.h"

namespace lacuna::cuda {

namespace {

struct Slabs {
  float* w;
  const float* g;
  float* m;
  float* v;
};

/// The optimizers, with the number of moments they keep, made from their options and this step's scalars.
struct Sgd {
  static constexpr int kMoments = 0;
  __device__ math::SgdUpdate update(const StepScalars& s) const { return {s.learning_rate}; }
};
struct Momentum {
  static constexpr int kMoments = 1;
  float momentum;
  __device__ math::MomentumUpdate update(const StepScalars& s) const { return {s.learning_rate, momentum}; }
};
struct Nesterov {
  static constexpr int kMoments = 1;
  float momentum;
  __device__ math::NesterovUpdate update(const StepScalars& s) const { return {s.learning_rate, momentum}; }
};
struct Adam {
  static constexpr int kMoments = 2;
  float beta1, beta2, one_minus_beta1, one_minus_beta2, epsilon;
  __device__ math::AdamUpdate update(const StepScalars& s) const {
    return {s.adam_step_size, s.adam_inv_sqrt_correction2, beta1, beta2, one_minus_beta1, one_minus_beta2, epsilon};
  }
};

/// Updates kWidth elements at `i`; returns the sum of squares of the weights before.
template <int kWidth, class O, class Update>
__device__ float update_elements(const Slabs& slabs, const Update& update, float decay, std::int64_t i) {
  Floats<kWidth> w = load<kWidth>(slabs.w + i), m{}, v{};
  const Floats<kWidth> g = load<kWidth>(slabs.g + i);
  if constexpr (O::kMoments > 0) m = load<kWidth>(slabs.m + i);
  if constexpr (O::kMoments > 1) v = load<kWidth>(slabs.v + i);
  float squares = 0;
#pragma unroll
  for (int k = 0; k < kWidth; ++k) {
    squares += w.at[k] * w.at[k];
    const float gradient = g.at[k] + decay * w.at[k];
    if constexpr (O::kMoments == 0) update(w.at[k], gradient);
    if constexpr (O::kMoments == 1) update(w.at[k], gradient, m.at[k]);
    if constexpr (O::kMoments == 2) update(w.at[k], gradient, m.at[k], v.at[k]);
  }
  store<kWidth>(slabs.w + i, w);
  if constexpr (O::kMoments > 0) store<kWidth>(slabs.m + i, m);
  if constexpr (O::kMoments > 1) store<kWidth>(slabs.v + i, v);
  return squares;
}

template <class O>
__global__ void __launch_bounds__(kPassThreads, kResidentBlocks)
    update_parameters_kernel(Slabs slabs, const UpdateSegment* segments, const StepScalars* scalars, O optimizer,
                             double weight_decay, double* value, double* value_partials, unsigned* counter,
                             EndStepArgs end) {
  wait_for_previous();
  constexpr int kWidth = 4;
  const UpdateSegment segment = segments[blockIdx.x];
  const auto update = optimizer.update(*scalars);
  const float decay = segment.decays ? static_cast<float>(weight_decay) : 0.0f;
  const int whole = segment.elements / kWidth * kWidth, thread = static_cast<int>(threadIdx.x);
  float squares = 0;
  for (int i = thread * kWidth; i < whole; i += kPassThreads * kWidth)
    squares += update_elements<kWidth, O>(slabs, update, decay, segment.offset + i);
  if (whole + thread < segment.elements)
    squares += update_elements<1, O>(slabs, update, decay, segment.offset + whole + thread);
  double sum = segment.decays ? static_cast<double>(squares) : 0.0;
  if (!grid_sum(sum, value_partials, counter) || thread != 0) return;
  *value = 0.5 * weight_decay * sum;
  if (end.ring) end_the_step(end);
}

}  // namespace

void update_parameters(const Workspace& workspace, const UpdateArgs& p) {
  const Optimizer& o = p.optimizer;
  const auto run = [&](const auto& optimizer) {
    launch(&update_parameters_kernel<std::remove_cvref_t<decltype(optimizer)>>,
           step_shape(static_cast<unsigned>(p.segment_count), kPassThreads, workspace),
           Slabs{p.parameters, p.gradients, p.moment1, p.moment2}, p.segments, p.scalars, optimizer, p.weight_decay,
           p.value, workspace.value_partials, value_counter(workspace), p.end);
  };
  if (o.kind == OptimizerKind::adam)
    run(Adam{static_cast<float>(o.beta1), static_cast<float>(o.beta2), static_cast<float>(1.0 - o.beta1),
             static_cast<float>(1.0 - o.beta2), static_cast<float>(o.epsilon)});
  else if (o.momentum == 0)
    run(Sgd{});
  else if (o.nesterov)
    run(Nesterov{static_cast<float>(o.momentum)});
  else
    run(Momentum{static_cast<float>(o.momentum)});
}

}  // namespace lacuna::cuda
