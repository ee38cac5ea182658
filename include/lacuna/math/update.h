#pragma once

#include <cmath>

#include "lacuna/math/hd.h"

// Optimizer updates of one element. `g` is the gradient of J, weight decay included.

namespace lacuna::math {

/// Plain gradient descent.
struct SgdUpdate {
  float learning_rate;
  LACUNA_HD void operator()(float& w, float g) const { w -= learning_rate * g; }
};

/// torch.optim.SGD with momentum and dampening 0: velocity = momentum * velocity + g.
struct MomentumUpdate {
  float learning_rate, momentum;
  LACUNA_HD void operator()(float& w, float g, float& velocity) const {
    velocity = momentum * velocity + g;
    w -= learning_rate * velocity;
  }
};

/// The same with Nesterov's look-ahead: w -= learning_rate * (g + momentum * velocity).
struct NesterovUpdate {
  float learning_rate, momentum;
  LACUNA_HD void operator()(float& w, float g, float& velocity) const {
    velocity = momentum * velocity + g;
    w -= learning_rate * (g + momentum * velocity);
  }
};

/// Adam, Kingma and Ba 2015, as torch.optim.Adam computes it:
/// w -= learning_rate / (1 - beta1^t) * m / (sqrt(v) / sqrt(1 - beta2^t) + epsilon).
/// The complements 1 - beta come rounded from double: 1.0f - 0.999f has lost four digits.
struct AdamUpdate {
  float step_size, inv_sqrt_correction2;
  float beta1, beta2, one_minus_beta1, one_minus_beta2, epsilon;
  LACUNA_HD void operator()(float& w, float g, float& m, float& v) const {
    m = beta1 * m + one_minus_beta1 * g;
    v = beta2 * v + one_minus_beta2 * (g * g);
    w -= step_size * m / (sqrtf(v) * inv_sqrt_correction2 + epsilon);
  }
};

}  // namespace lacuna::math
