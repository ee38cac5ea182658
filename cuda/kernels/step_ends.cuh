#pragma once

#include <cuda_runtime.h>

#include <cmath>

#include "kernels/kernels.h"
#include "lacuna/math/schedule.h"

// What one thread does at the beginning and at the end of a step, in a kernel of its own or in one that is there
// anyway.

namespace lacuna::cuda {

/// Adam's corrections: Kingma and Ba 2015, as torch.optim.Adam computes them.
__device__ inline StepScalars scalars_of_step(std::int64_t step, const BeginStepArgs& p) {
  const Optimizer& optimizer = p.optimizer;
  const auto t = static_cast<double>(step);
  const double rate = optimizer.learning_rate * math::learning_rate_factor(optimizer.schedule, step);
  StepScalars scalars;
  scalars.learning_rate = static_cast<float>(rate);
  scalars.adam_step_size = static_cast<float>(rate / (1.0 - pow(optimizer.beta1, t)));
  scalars.adam_inv_sqrt_correction2 = static_cast<float>(1.0 / sqrt(1.0 - pow(optimizer.beta2, t)));
  scalars.sample_count = p.rows;
  scalars.kept_units = static_cast<float>(math::kept_units(p.kept.start, p.kept.kept, p.kept.anneal_steps, step));
  return scalars;
}

__device__ inline void begin_the_step(const BeginStepArgs& p) {
  const std::int64_t step = p.state->step + 1;
  if (!p.ahead) p.state->step = step;
  *p.scalars = scalars_of_step(step, p);
}

/// To the first row of the next batch.
__device__ inline void advance(StepState& state, std::int64_t rows, std::int64_t data_rows) {
  state.position += rows;
  if (state.position >= data_rows) {
    state.position = 0;
    state.epoch += 1;
  }
}

__device__ inline double value_or_zero(const double* value) {
  return value ? *value : 0.0;
}

__device__ inline void end_the_step(const EndStepArgs& p) {
  StepState& state = *p.state;
  const double samples = static_cast<double>(p.scalars->sample_count);
  StepLoss& slot = p.ring[(state.step - 1) % p.capacity];
  slot.reconstruction = value_or_zero(p.reconstruction);
  slot.sparsity = value_or_zero(p.sparsity);
  slot.weight_decay = value_or_zero(p.weight_decay);
  slot.mean_activation = value_or_zero(p.mean_activation);
  slot.samples = samples;
  slot.correct = value_or_zero(p.correct);
  advance(state, static_cast<std::int64_t>(samples), p.data_rows);
  if (!p.next) return;
  state.step += 1;
  *p.scalars = *p.next;
}

}  // namespace lacuna::cuda
