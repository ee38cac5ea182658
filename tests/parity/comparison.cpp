#include "parity/comparison.h"

#include <cmath>
#include <limits>

namespace lacuna::test {
namespace {

testing::AssertionResult within_bounds(const Compared& c) {
  for (std::size_t i = 0; i < c.got.size(); ++i)
    if (std::abs(c.got[i] - c.expected[i]) > c.bounds[i])
      return testing::AssertionFailure() << c.what << "[" << i << "] is " << c.got[i] << ", but must be "
                                         << c.expected[i] << " +- " << c.bounds[i];
  return testing::AssertionSuccess();
}

}  // namespace

double relative_error(const std::vector<double>& got, const std::vector<double>& expected) {
  double difference = 0.0, norm = 0.0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    if (std::isnan(got[i]) || std::isnan(expected[i])) continue;
    difference += std::pow(got[i] - expected[i], 2);
    norm += std::pow(expected[i], 2);
  }
  if (difference == 0.0) return 0.0;
  return norm == 0.0 ? std::numeric_limits<double>::infinity() : std::sqrt(difference / norm);
}

testing::AssertionResult agrees(const Compared& c) {
  if (c.got.size() != c.expected.size() || (!c.bounds.empty() && c.bounds.size() != c.got.size()))
    return testing::AssertionFailure() << c.what << " has " << c.got.size() << " elements, but must have "
                                       << c.expected.size();
  for (std::size_t i = 0; i < c.got.size(); ++i)
    if (std::isnan(c.got[i]) != std::isnan(c.expected[i]))
      return testing::AssertionFailure() << c.what << "[" << i << "] is " << c.got[i] << ", but must be "
                                         << c.expected[i];
  if (!c.bounds.empty()) return within_bounds(c);
  const double error = relative_error(c.got, c.expected);
  if (!(error <= kFp32Bound)) return testing::AssertionFailure() << c.what << ": relative error " << error;
  return testing::AssertionSuccess();
}

}  // namespace lacuna::test
