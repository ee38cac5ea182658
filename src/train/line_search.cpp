#include "train/line_search.h"

#include <algorithm>
#include <cmath>

#include "lacuna/error.h"

namespace lacuna {

namespace {

/// What is kept of a bracket at each end, so that every trial makes it smaller.
constexpr double kMargin = 0.1;
/// A step is lengthened at least and at most by these factors.
constexpr double kLeastGrowth = 2.0, kMostGrowth = 10.0;

bool finite(const LinePoint& p) {
  return std::isfinite(p.value) && std::isfinite(p.slope);
}

/// Where the cubic through both points, with their slopes, is least (Nocedal and Wright, equation 3.59). NaN if it has
/// no minimum.
double cubic_minimum(const LinePoint& a, const LinePoint& b) {
  const double d1 = a.slope + b.slope - 3.0 * (a.value - b.value) / (a.step - b.step);
  const double root = std::sqrt(d1 * d1 - a.slope * b.slope);
  const double d2 = b.step > a.step ? root : -root;
  return b.step - (b.step - a.step) * (b.slope + d2 - d1) / (b.slope - a.slope + 2.0 * d2);
}

/// Where the slope would be 0 if it changed evenly.
double secant(const LinePoint& a, const LinePoint& b) {
  return a.step - a.slope * (b.step - a.step) / (b.slope - a.slope);
}

class LineSearch {
 public:
  LineSearch(const LinePoint& start, const LineSearchOptions& options,
             const std::function<LinePoint(double step)>& evaluate)
      : start_(start), options_(options), evaluate_(evaluate), noise_(options.rounding * std::abs(start.value)) {}

  LinePoint run(double step) {
    LinePoint before = start_;
    while (true) {
      const LinePoint trial = try_step(step);
      if (too_high(trial) || above(trial, before)) return zoom(before, trial);
      if (flat(trial)) return trial;
      if (trial.slope >= 0) return zoom(trial, before);
      if (exhausted()) return if_lower(trial);
      step = longer(before, trial);
      before = trial;
    }
  }

 private:
  LinePoint try_step(double step) {
    ++evaluations_;
    return evaluate_(step);
  }
  bool exhausted() const { return evaluations_ >= options_.most_evaluations; }
  bool too_high(const LinePoint& p) const {
    return !finite(p) || p.value > start_.value + options_.decrease * p.step * start_.slope + noise_;
  }
  bool above(const LinePoint& a, const LinePoint& b) const { return a.value > b.value + noise_; }
  bool flat(const LinePoint& p) const { return std::abs(p.slope) <= -options_.curvature * start_.slope; }
  bool alike(const LinePoint& a, const LinePoint& b) const { return std::abs(a.value - b.value) <= noise_; }
  /// Where a minimum is to be expected.
  double minimum(const LinePoint& a, const LinePoint& b) const {
    return alike(a, b) ? secant(a, b) : cubic_minimum(a, b);
  }

  double longer(const LinePoint& before, const LinePoint& last) const {
    const double expected = minimum(before, last);
    const double least = kLeastGrowth * last.step, most = kMostGrowth * last.step;
    return expected > last.step ? std::clamp(expected, least, most) : most;
  }

  /// The minimum is expected between the two: `low` is the lower one, and its slope leads towards `high`.
  LinePoint zoom(LinePoint low, LinePoint high) {
    while (!exhausted() && low.step != high.step) {
      const LinePoint trial = try_step(between(low, high));
      if (too_high(trial) || above(trial, low)) {
        high = trial;
        continue;
      }
      if (flat(trial)) return trial;
      if (trial.slope * (high.step - low.step) >= 0) high = low;
      low = trial;
    }
    return if_lower(low);
  }

  /// Without a slope to show for it, rounding is no excuse.
  LinePoint if_lower(const LinePoint& p) const { return p.value < start_.value ? p : start_; }

  double between(const LinePoint& low, const LinePoint& high) const {
    const double width = high.step - low.step;
    const double nearest = low.step + kMargin * width, farthest = high.step - kMargin * width;
    if (!finite(high)) return nearest;
    const double expected = minimum(low, high);
    if (!std::isfinite(expected)) return low.step + 0.5 * width;
    return std::clamp(expected, std::min(nearest, farthest), std::max(nearest, farthest));
  }

  const LinePoint start_;
  const LineSearchOptions& options_;
  const std::function<LinePoint(double step)>& evaluate_;
  const double noise_;
  int evaluations_ = 0;
};

}  // namespace

LinePoint search_line(const LinePoint& start, double first_step, const LineSearchOptions& options,
                      const std::function<LinePoint(double step)>& evaluate) {
  LACUNA_EXPECTS(start.slope < 0 && first_step > 0, "a line search starts downhill");
  return LineSearch(start, options, evaluate).run(first_step);
}

}  // namespace lacuna
