#include "reference/formulas.h"

#include <algorithm>
#include <cmath>

namespace lacuna::reference {
namespace {

constexpr double kClip = 0x1p-20;

double sigmoid(double a) {
  return 1.0 / (1.0 + std::exp(-a));
}

}  // namespace

double activate(Activation activation, double a) {
  switch (activation) {
    case Activation::identity:
      return a;
    case Activation::sigmoid:
      return sigmoid(a);
    case Activation::relu:
      return a < 0.0 ? 0.0 : a;  // written so that NaN stays NaN
  }
  return 0.0;
}

double activation_slope(Activation activation, double a) {
  switch (activation) {
    case Activation::identity:
      return 1.0;
    case Activation::sigmoid:
      return sigmoid(a) * sigmoid(-a);
    case Activation::relu:
      return a <= 0.0 ? 0.0 : 1.0;
  }
  return 0.0;
}

double reduction_scale(Reduction reduction, std::int64_t samples, std::int64_t features) {
  switch (reduction) {
    case Reduction::sum:
      return 1.0;
    case Reduction::sample:
      return 1.0 / static_cast<double>(samples);
    case Reduction::element:
      return 1.0 / static_cast<double>(samples * features);
  }
  return 0.0;
}

double element_loss(Loss loss, double x, double y, double a) {
  switch (loss) {
    case Loss::squared:
      return (y - x) * (y - x);
    case Loss::half_squared:
      return 0.5 * (y - x) * (y - x);
    case Loss::bce:  // -x log(y) - (1-x) log(1-y) with y = sigmoid(a)
      return std::max(a, 0.0) - a * x + std::log1p(std::exp(-std::abs(a)));
  }
  return 0.0;
}

double element_slope(Loss loss, Activation activation, double x, double y, double a) {
  switch (loss) {
    case Loss::squared:
      return 2.0 * (y - x) * activation_slope(activation, a);
    case Loss::half_squared:
      return (y - x) * activation_slope(activation, a);
    case Loss::bce:
      return y - x;
  }
  return 0.0;
}

double kl(double mean, double rho) {
  mean = std::clamp(mean, kClip, 1.0 - kClip);
  return rho * std::log(rho / mean) + (1.0 - rho) * std::log((1.0 - rho) / (1.0 - mean));
}

double kl_slope(double mean, double rho) {
  if (mean < kClip || mean > 1.0 - kClip) return 0.0;
  return -rho / mean + (1.0 - rho) / (1.0 - mean);
}

std::vector<double> softmax(const std::vector<double>& z) {
  double sum = 0.0;
  for (double v : z) sum += std::exp(v);
  std::vector<double> p;
  for (double v : z) p.push_back(std::exp(v) / sum);
  return p;
}

double cross_entropy(const std::vector<double>& z, std::size_t label) {
  return -std::log(softmax(z)[label]);
}

double sign(double v) {
  return v > 0 ? 1.0 : v < 0 ? -1.0 : 0.0;
}

}  // namespace lacuna::reference
