#pragma once

#include <functional>

namespace lacuna {

/// The objective along a line, at `step` times its direction.
struct LinePoint {
  double step = 0;
  double value = 0;
  double slope = 0;  ///< derivative with respect to the step
};

struct LineSearchOptions {
  double decrease = 1e-4;  ///< c1: share of the decrease that the slope at 0 promises
  double curvature = 0.9;  ///< c2: the slope must fall to this share of the slope at 0
  double rounding = 0;     ///< relative error of values: differences below it say nothing, and the slopes decide
  int most_evaluations = 20;
};

/// A step that satisfies the strong Wolfe conditions
///   value(step) <= value(0) + c1 step slope(0)   and   |slope(step)| <= c2 |slope(0)|
/// the first of them up to rounding (Nocedal and Wright, Numerical Optimization, 2006, algorithms 3.5 and 3.6 with
/// cubic interpolation). `start` is the point at step 0, whose slope must be negative. A value or slope that is not
/// finite counts as too high. When evaluations run out, the lowest point found that satisfies the first condition; step
/// 0 if there is none.
LinePoint search_line(const LinePoint& start, double first_step, const LineSearchOptions& options,
                      const std::function<LinePoint(double step)>& evaluate);

}  // namespace lacuna
