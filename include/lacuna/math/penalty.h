#pragma once

#include <cmath>

#include "lacuna/math/hd.h"

namespace lacuna::math {

/// KL(rho || rho_hat) of two Bernoulli distributions and its derivative with respect to rho_hat, the mean
/// activation of one unit. rho_hat is clipped to [2^-20, 1 - 2^-20]; where it was clipped the derivative is 0.
/// In double: there are as many of them as units, not as elements.
struct KlPenalty {
  static constexpr double kClip = 0x1p-20;

  static LACUNA_HD double value(double rho, double rho_hat) {
    const double r = rho_hat < kClip ? kClip : (rho_hat > 1.0 - kClip ? 1.0 - kClip : rho_hat);
    return rho * log(rho / r) + (1.0 - rho) * log((1.0 - rho) / (1.0 - r));
  }
  static LACUNA_HD double derivative(double rho, double rho_hat) {
    if (rho_hat < kClip || rho_hat > 1.0 - kClip) return 0.0;
    return -rho / rho_hat + (1.0 - rho) / (1.0 - rho_hat);
  }
};

/// |h| and its subgradient, 0 at 0.
struct L1Penalty {
  static LACUNA_HD float value(float h) { return h < 0.0f ? -h : h; }
  static LACUNA_HD float derivative(float h) { return static_cast<float>((h > 0.0f) - (h < 0.0f)); }
};

}  // namespace lacuna::math
