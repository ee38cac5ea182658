#include "reference/formulas.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

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

std::vector<bool> largest(const std::vector<double>& row, std::int64_t k) {
  std::vector<std::size_t> order(row.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const auto before = [&row](std::size_t a, std::size_t b) {
    if (std::isnan(row[a]) || std::isnan(row[b])) return std::isnan(row[a]) && !std::isnan(row[b]);
    return row[a] > row[b];
  };
  std::stable_sort(order.begin(), order.end(), before);
  std::vector<bool> kept(row.size());
  for (std::size_t i = 0; i < std::min(order.size(), static_cast<std::size_t>(k)); ++i) kept[order[i]] = true;
  return kept;
}

double schedule_factor(const Schedule& schedule, std::int64_t step) {
  const auto t = static_cast<double>(step), warmup = static_cast<double>(schedule.warmup);
  if (t <= warmup) return t / (warmup + 1.0);
  const double after = t - warmup - 1.0;
  switch (schedule.kind) {
    case ScheduleKind::constant:
      return 1.0;
    case ScheduleKind::step:
      return std::pow(schedule.factor, std::floor(after / static_cast<double>(schedule.every)));
    case ScheduleKind::cosine: {
      const double length = static_cast<double>(schedule.total) - warmup;
      const double done = after >= length ? 1.0 : after / length;
      return schedule.factor + (1.0 - schedule.factor) * (1.0 + std::cos(std::numbers::pi * done)) / 2.0;
    }
  }
  return 0.0;
}

double sign(double v) {
  return v > 0 ? 1.0 : v < 0 ? -1.0 : 0.0;
}

}  // namespace lacuna::reference
