#include "report/axis.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "report/text.h"

namespace lacuna::report {

namespace {

double round_step(double at_least) {
  const double magnitude = std::pow(10.0, std::floor(std::log10(at_least)));
  for (const double factor : {1.0, 2.0, 5.0})
    if (at_least <= factor * magnitude * (1 + 1e-9)) return factor * magnitude;
  return 10 * magnitude;
}

std::string tick_label(double value, double step) {
  if (value == 0) return "0";
  if (std::abs(value) >= 1e7 || step < 1e-4) return fmt::format("{:.4g}", value);
  const int decimals = std::max(0, static_cast<int>(-std::floor(std::log10(step) + 1e-9)));
  return decimals == 0 ? figure(std::round(value)) : fmt::format("{:.{}f}", value, decimals);
}

/// Values that differ in their last digits only cannot be told apart on a picture either.
void give_width(double& low, double& high, bool whole) {
  const double largest = std::max(std::abs(low), std::abs(high));
  constexpr double kNothing = 1e-290;
  if (high - low > std::max(1e-9 * largest, kNothing)) return;
  const double pad = whole ? std::max(1.0, 1e-6 * largest) : largest > kNothing ? 0.1 * largest : 1.0;
  low -= pad;
  high += pad;
}

}  // namespace

double Axis::place(double value) const {
  if (logarithmic) return std::log(value / low) / std::log(high / low);
  return (value - low) / (high - low);
}

Axis linear_axis(double low, double high, const AxisOptions& options) {
  give_width(low, high, options.whole);
  double step = round_step((high - low) / options.ticks);
  if (options.whole) step = std::max(1.0, step);
  Axis axis{low, high, false, {}};
  if (options.widen) {
    axis.low = step * std::floor(low / step + 1e-9);
    axis.high = step * std::ceil(high / step - 1e-9);
  }
  const auto first = static_cast<std::int64_t>(std::ceil(axis.low / step - 1e-9));
  const auto last = static_cast<std::int64_t>(std::floor(axis.high / step + 1e-9));
  for (std::int64_t i = first; i <= last; ++i) {
    const double value = static_cast<double>(i) * step;
    axis.ticks.push_back({value, tick_label(value, step)});
  }
  return axis;
}

Axis logarithmic_axis(double low, double high) {
  const int first = static_cast<int>(std::floor(std::log10(low) + 1e-9));
  const int last = std::max(first + 1, static_cast<int>(std::ceil(std::log10(high) - 1e-9)));
  Axis axis{std::pow(10.0, first), std::pow(10.0, last), true, {}};
  const int every = (last - first + 7) / 8;
  for (int power = first; power <= last; power += every)
    for (const double factor : {1.0, 2.0, 5.0}) {
      const double value = factor * std::pow(10.0, power);
      if (factor > 1 && (last - first > 2 || power == last)) continue;
      axis.ticks.push_back({value, value >= 1e-3 && value < 1e10 ? figure(value) : fmt::format("{:.4g}", value)});
    }
  return axis;
}

}  // namespace lacuna::report
