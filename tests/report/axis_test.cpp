#include "report/axis.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace lacuna::report {
namespace {

using ::testing::ElementsAre;

std::vector<std::string> labels(const Axis& axis) {
  std::vector<std::string> out;
  for (const Tick& tick : axis.ticks) out.push_back(tick.label);
  return out;
}

TEST(Axis, TicksAreRoundAndEncloseTheValues) {
  const Axis axis = linear_axis(0.37, 13.2, {.ticks = 5, .whole = false, .widen = true});
  EXPECT_THAT(labels(axis), ElementsAre("0", "5", "10", "15"));
  EXPECT_EQ(axis.low, 0);
  EXPECT_EQ(axis.high, 15);
  EXPECT_DOUBLE_EQ(axis.place(7.5), 0.5);
}

TEST(Axis, LabelsHaveTheDecimalsThatTheStepNeeds) {
  EXPECT_THAT(labels(linear_axis(0.101, 0.128, {.ticks = 3, .whole = false, .widen = true})),
              ElementsAre("0.10", "0.11", "0.12", "0.13"));
  EXPECT_THAT(labels(linear_axis(0, 12000, {.ticks = 3})), ElementsAre("0", "5,000", "10,000"));
  EXPECT_THAT(labels(linear_axis(-1, 1, {.ticks = 2})), ElementsAre("-1", "0", "1"));
}

TEST(Axis, CountsHaveNoTicksBetweenThem) {
  EXPECT_THAT(labels(linear_axis(1, 3, {.ticks = 8, .whole = true})), ElementsAre("1", "2", "3"));
  EXPECT_THAT(labels(linear_axis(1, 1, {.ticks = 5, .whole = true})), ElementsAre("0", "1", "2"));
}

TEST(Axis, RangesWithoutWidthAndHugeOnesStaySmall) {
  for (const double value : {0.0, 1.0, -3e-9, 1e16, 1e300}) {
    const Axis axis = linear_axis(value, std::nextafter(value, 2e300), {.ticks = 5, .whole = false, .widen = true});
    EXPECT_LT(axis.low, axis.high) << value;
    EXPECT_GT(axis.ticks.size(), 1u) << value;
    EXPECT_LT(axis.ticks.size(), 20u) << value;
    EXPECT_GE(axis.place(value), 0) << value;
    EXPECT_LE(axis.place(value), 1) << value;
  }
}

TEST(Axis, LogarithmicTicksArePowersOfTen) {
  EXPECT_THAT(labels(logarithmic_axis(0.5, 3.0e5)),
              ElementsAre("0.1", "1", "10", "100", "1,000", "10,000", "100,000", "1,000,000"));
  EXPECT_THAT(labels(logarithmic_axis(1, 9)), ElementsAre("1", "2", "5", "10"));
  EXPECT_DOUBLE_EQ(logarithmic_axis(1, 100).place(10), 0.5);
}

}  // namespace
}  // namespace lacuna::report
