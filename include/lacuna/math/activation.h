#pragma once

#include "lacuna/math/exp.h"

// Activations: `forward` of the pre-activation, `derivative` written in terms of the output, so that
// pre-activations need not be kept. Comparisons are arranged so that NaN passes through.

namespace lacuna::math {

struct Identity {
  static LACUNA_HD float forward(float a) { return a; }
  static LACUNA_HD float derivative(float) { return 1.0f; }
};

struct Sigmoid {
  static LACUNA_HD float forward(float a) { return 1.0f / (1.0f + exp_clamped(-a)); }
  static LACUNA_HD float derivative(float y) { return y * (1.0f - y); }
};

struct Relu {
  static LACUNA_HD float forward(float a) { return a < 0.0f ? 0.0f : a; }
  static LACUNA_HD float derivative(float y) { return y <= 0.0f ? 0.0f : 1.0f; }
};

}  // namespace lacuna::math
