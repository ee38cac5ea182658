#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "lacuna/backend.h"

namespace lacuna::test {

/// The bound of design and documentation for fp32: relative Frobenius error against the double-precision reference.
constexpr double kFp32Bound = 1e-5;
/// The same for what a backend with products in `precision` computes: 1e-5, 1e-3, 1e-2.
double bound_of(Precision precision);

/// Spacing of floats in [1, 2): the relative size of one ulp, at most.
constexpr double kUlp = 0x1p-23;
/// Below this, floats lose digits.
constexpr double kSmallestNormal = 0x1p-126;

/// One result of a backend and what it should be.
struct Compared {
  std::string what;
  std::vector<double> got, expected;
  /// Empty: ||got - expected|| / ||expected|| <= bound_of(precision). Else |got - expected| <= bounds, element by
  /// element; in another precision than fp32 they grow with the size of an ulp.
  std::vector<double> bounds = {};
};

/// Element by element, to the last bit.
Compared exactly(std::string what, std::vector<double> got, std::vector<double> expected);

/// ||got - expected|| / ||expected|| over the elements where neither is NaN; 0 if both are zero.
double relative_error(const std::vector<double>& got, const std::vector<double>& expected);

/// Expects an error between a fiftieth of bound_of(precision) and the bound: above what the next better precision may
/// be off by.
void expect_off_by_its_rounding(const std::vector<double>& got, const std::vector<double>& expected,
                                Precision precision);

/// Fails if there are NaNs in one of the two only, or if the bound is exceeded.
testing::AssertionResult agrees(const Compared& compared, Precision precision = Precision::fp32);

}  // namespace lacuna::test
