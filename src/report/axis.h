#pragma once

#include <string>
#include <vector>

namespace lacuna::report {

struct Tick {
  double value = 0;
  std::string label;
};

/// A range of values with ticks at round numbers.
struct Axis {
  double low = 0, high = 1;
  bool logarithmic = false;
  std::vector<Tick> ticks;

  /// Where a value lies: 0 at `low`, 1 at `high`.
  double place(double value) const;
};

struct AxisOptions {
  int ticks = 5;       ///< about as many
  bool whole = false;  ///< values are counts: no ticks between them
  bool widen = false;  ///< ends at ticks rather than exactly at `low` and `high`
};

/// Any finite low and high; a range of no width is given some.
Axis linear_axis(double low, double high, const AxisOptions& options);
/// low and high above 0. Ticks at powers of ten, and at 2 and 5 times those over few decades.
Axis logarithmic_axis(double low, double high);

}  // namespace lacuna::report
