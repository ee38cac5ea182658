#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace lacuna::test {

/// The bound of design and documentation for fp32: relative Frobenius error against the double-precision reference.
constexpr double kFp32Bound = 1e-5;

/// Spacing of floats in [1, 2): the relative size of one ulp, at most.
constexpr double kUlp = 0x1p-23;
/// Below this, floats lose digits.
constexpr double kSmallestNormal = 0x1p-126;

/// One result of a backend and what it should be.
struct Compared {
  std::string what;
  std::vector<double> got, expected;
  /// Empty: ||got - expected|| / ||expected|| <= kFp32Bound. Else |got - expected| <= bounds, element by element.
  std::vector<double> bounds = {};
};

/// ||got - expected|| / ||expected|| over the elements where neither is NaN; 0 if both are zero.
double relative_error(const std::vector<double>& got, const std::vector<double>& expected);

/// Fails if there are NaNs in one of the two only, or if the bound is exceeded.
testing::AssertionResult agrees(const Compared& compared);

}  // namespace lacuna::test
