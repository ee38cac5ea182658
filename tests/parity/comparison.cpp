#include "parity/comparison.h"

#include <cmath>
#include <limits>

namespace lacuna::test {
namespace {

/// Size of an ulp of the products' operands over float32's.
double ulps(Precision precision) {
  switch (precision) {
    case Precision::fp32:
      return 1;
    case Precision::tf32:
      return 0x1p-10 / kUlp;
    case Precision::bf16:
      return 0x1p-7 / kUlp;
  }
  return 0;
}

testing::AssertionResult within_bounds(const Compared& c, double factor) {
  for (std::size_t i = 0; i < c.got.size(); ++i)
    if (std::abs(c.got[i] - c.expected[i]) > factor * c.bounds[i])
      return testing::AssertionFailure() << c.what << "[" << i << "] is " << c.got[i] << ", but must be "
                                         << c.expected[i] << " +- " << factor * c.bounds[i];
  return testing::AssertionSuccess();
}

}  // namespace

double bound_of(Precision precision) {
  switch (precision) {
    case Precision::fp32:
      return kFp32Bound;
    case Precision::tf32:
      return 1e-3;
    case Precision::bf16:
      return 1e-2;
  }
  return 0;
}

Compared exactly(std::string what, std::vector<double> got, std::vector<double> expected) {
  std::vector<double> zero(expected.size(), 0.0);
  return {std::move(what), std::move(got), std::move(expected), std::move(zero)};
}

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

void expect_off_by_its_rounding(const std::vector<double>& got, const std::vector<double>& expected,
                                Precision precision) {
  const double error = relative_error(got, expected);
  EXPECT_LE(error, bound_of(precision));
  EXPECT_GE(error, bound_of(precision) / 50) << "the products are in a better precision than " << to_string(precision);
}

testing::AssertionResult agrees(const Compared& c, Precision precision) {
  if (c.got.size() != c.expected.size() || (!c.bounds.empty() && c.bounds.size() != c.got.size()))
    return testing::AssertionFailure() << c.what << " has " << c.got.size() << " elements, but must have "
                                       << c.expected.size();
  for (std::size_t i = 0; i < c.got.size(); ++i)
    if (std::isnan(c.got[i]) != std::isnan(c.expected[i]))
      return testing::AssertionFailure() << c.what << "[" << i << "] is " << c.got[i] << ", but must be "
                                         << c.expected[i];
  if (!c.bounds.empty()) return within_bounds(c, ulps(precision));
  const double error = relative_error(c.got, c.expected);
  if (!(error <= bound_of(precision))) return testing::AssertionFailure() << c.what << ": relative error " << error;
  return testing::AssertionSuccess();
}

}  // namespace lacuna::test
