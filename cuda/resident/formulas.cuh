#pragma once

#include "lacuna/math/activation.h"
#include "lacuna/math/loss.h"
#include "lacuna/math/update.h"
#include "lacuna/optimizer.h"
#include "lacuna/step_plan.h"

// The formulas of math/ chosen at run time: a block applies them to a few hundred elements a step, and one kernel
// serves every network.

namespace lacuna::cuda {

__device__ inline float activation_of(Activation kind, float a) {
  if (kind == Activation::sigmoid) return math::Sigmoid::forward(a);
  return kind == Activation::relu ? math::Relu::forward(a) : a;
}

__device__ inline float slope_of(Activation kind, float y) {
  if (kind == Activation::sigmoid) return math::Sigmoid::derivative(y);
  return kind == Activation::relu ? math::Relu::derivative(y) : 1.0f;
}

/// Of one element of the reconstruction: its loss, and the derivative with respect to the pre-activation a.
struct ElementLoss {
  float value, delta;
};
__device__ inline ElementLoss loss_of(Loss loss, Activation activation, float x, float a) {
  const float y = activation_of(activation, a);
  if (loss == Loss::bce) return {math::BceLoss::value(x, y, a), math::BceLoss::delta<math::Sigmoid>(x, y)};
  const float slope = slope_of(activation, y);
  if (loss == Loss::squared)
    return {math::SquaredLoss::value(x, y, a), math::SquaredLoss::delta<math::Identity>(x, y) * slope};
  return {math::HalfSquaredLoss::value(x, y, a), math::HalfSquaredLoss::delta<math::Identity>(x, y) * slope};
}

/// Calls f with the optimizer's update of one element, to be called as update(at, moment, g): at[0] is the weight,
/// at[moment] and at[2 moment] are its moments.
template <class F>
__device__ void with_update(const Optimizer& o, const StepScalars& s, const F& f) {
  if (o.kind == OptimizerKind::adam) {
    const math::AdamUpdate update{s.adam_step_size,
                                  s.adam_inv_sqrt_correction2,
                                  static_cast<float>(o.beta1),
                                  static_cast<float>(o.beta2),
                                  static_cast<float>(1.0 - o.beta1),
                                  static_cast<float>(1.0 - o.beta2),
                                  static_cast<float>(o.epsilon)};
    f([&](float* at, int moment, float g) { update(*at, g, at[moment], at[2 * moment]); });
  } else if (o.momentum == 0) {
    const math::SgdUpdate update{s.learning_rate};
    f([&](float* at, int, float g) { update(*at, g); });
  } else if (o.nesterov) {
    const math::NesterovUpdate update{s.learning_rate, static_cast<float>(o.momentum)};
    f([&](float* at, int moment, float g) { update(*at, g, at[moment]); });
  } else {
    const math::MomentumUpdate update{s.learning_rate, static_cast<float>(o.momentum)};
    f([&](float* at, int moment, float g) { update(*at, g, at[moment]); });
  }
}

}  // namespace lacuna::cuda
