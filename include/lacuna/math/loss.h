#pragma once

#include "lacuna/math/activation.h"

// Reconstruction losses of one element: target x, output y = A(a), pre-activation a. `delta` is the derivative
// with respect to a.

namespace lacuna::math {

struct SquaredLoss {
  static LACUNA_HD float value(float x, float y, float) { return (y - x) * (y - x); }
  template <class A>
  static LACUNA_HD float delta(float x, float y) {
    return 2.0f * (y - x) * A::derivative(y);
  }
};

struct HalfSquaredLoss {
  static LACUNA_HD float value(float x, float y, float) { return 0.5f * (y - x) * (y - x); }
  template <class A>
  static LACUNA_HD float delta(float x, float y) {
    return (y - x) * A::derivative(y);
  }
};

/// -x log y - (1 - x) log(1 - y) with y = sigmoid(a), from the logit: max(a, 0) - a x + log(1 + e^-|a|).
struct BceLoss {
  static LACUNA_HD float value(float x, float, float a) {
    const float magnitude = a < 0.0f ? -a : a;
    return (a < 0.0f ? 0.0f : a) - a * x + log1p_unit(exp_clamped(-magnitude));
  }
  template <class>
  static LACUNA_HD float delta(float x, float y) {
    return y - x;
  }
};

}  // namespace lacuna::math
