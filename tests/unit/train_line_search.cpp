#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>

#include "lacuna/error.h"
#include "train/line_search.h"

namespace lacuna {
namespace {

/// A function of the step and its derivative.
struct Line {
  const char* name;
  std::function<double(double)> value, slope;
  LinePoint at(double step) const { return {step, value(step), slope(step)}; }
};

/// The first three of Moré and Thuente's (1994), and a steep one.
const Line kLines[] = {
    {"rational", [](double a) { return -a / (a * a + 2.0); },
     [](double a) { return (a * a - 2.0) / std::pow(a * a + 2.0, 2); }},
    {"quintic", [](double a) { return std::pow(a + 0.004, 5) - 2.0 * std::pow(a + 0.004, 4); },
     [](double a) { return 5.0 * std::pow(a + 0.004, 4) - 8.0 * std::pow(a + 0.004, 3); }},
    {"quartic", [](double a) { return std::pow(a - 3.0, 4); }, [](double a) { return 4.0 * std::pow(a - 3.0, 3); }},
    {"exponential", [](double a) { return std::exp(a) - 50.0 * a; }, [](double a) { return std::exp(a) - 50.0; }},
};

bool satisfies_wolfe(const Line& line, const LinePoint& found, const LineSearchOptions& o) {
  const LinePoint start = line.at(0);
  return found.step > 0 && found.value <= start.value + o.decrease * found.step * start.slope &&
         std::abs(found.slope) <= o.curvature * std::abs(start.slope);
}

struct Outcome {
  LinePoint found;
  int evaluations = 0;
};
Outcome search(const Line& line, double first, const LineSearchOptions& options) {
  Outcome outcome;
  outcome.found = search_line(line.at(0), first, options, [&](double step) {
    ++outcome.evaluations;
    return line.at(step);
  });
  return outcome;
}

TEST(LineSearch, FindsStrongWolfePointsFromFirstStepsOfAllSizes) {
  for (const Line& line : kLines)
    for (double curvature : {0.9, 0.1})
      for (double first : {1e-3, 1e-1, 1.0, 1e1, 1e3}) {
        const LineSearchOptions options{.curvature = curvature};
        const Outcome outcome = search(line, first, options);
        EXPECT_TRUE(satisfies_wolfe(line, outcome.found, options))
            << line.name << " from " << first << " to " << outcome.found.step;
        EXPECT_LE(outcome.evaluations, 20) << line.name << " from " << first;
      }
}

TEST(LineSearch, AGoodFirstStepIsTakenAtOnce) {
  const Line parabola{"", [](double a) { return (a - 1.1) * (a - 1.1); }, [](double a) { return 2.0 * (a - 1.1); }};
  EXPECT_EQ(search(parabola, 1.0, {}).evaluations, 1);
}

TEST(LineSearch, StepsIntoTheNotFiniteAreShortened) {
  const Line wall{"", [](double a) { return -std::log(1.0 - a) - 20.0 * a; },
                  [](double a) { return a < 1.0 ? 1.0 / (1.0 - a) - 20.0 : std::nan(""); }};
  for (double first : {1.0, 2.0, 1e6}) {
    const Outcome outcome = search(wall, first, {});
    EXPECT_TRUE(satisfies_wolfe(wall, outcome.found, {})) << first;
  }
  const Line cliff{"", [](double a) { return a < 1e-3 ? -a : std::numeric_limits<double>::infinity(); },
                   [](double) { return -1.0; }};
  const Outcome outcome = search(cliff, 1.0, {});
  EXPECT_GT(outcome.found.step, 0);
  EXPECT_LT(outcome.found.value, 0);
}

TEST(LineSearch, WhatFallsForeverEndsWithTheEvaluations) {
  const Line slope{"", [](double a) { return -a; }, [](double) { return -1.0; }};
  const Outcome outcome = search(slope, 1.0, {.most_evaluations = 7});
  EXPECT_EQ(outcome.evaluations, 7);
  EXPECT_GT(outcome.found.step, 1.0);
}

TEST(LineSearch, ASlopeThatLiesGivesNoStep) {
  const Line rising{"", [](double a) { return a; }, [](double a) { return a > 0 ? 1.0 : -1.0; }};
  const Outcome outcome = search(rising, 1.0, {.most_evaluations = 9});
  EXPECT_EQ(outcome.evaluations, 9);
  EXPECT_EQ(outcome.found.step, 0);
}

/// Values that are multiples of 2^-20, as sums in single precision are.
TEST(LineSearch, BelowTheRoundingOfValuesSlopesDecide) {
  const auto value = [](double a) { return std::round((1.0 + 1e-8 * (a - 3.0) * (a - 3.0)) * 0x1p20) * 0x1p-20; };
  const Line coarse{"", [&](double a) { return value(a) + (a > 0 ? 0x1p-20 : 0.0); },
                    [](double a) { return 2e-8 * (a - 3.0); }};
  EXPECT_EQ(search(coarse, 1.0, {.curvature = 0.1}).found.step, 0);
  const Outcome outcome = search(coarse, 1.0, {.curvature = 0.1, .rounding = 0x1p-19});
  EXPECT_NEAR(outcome.found.step, 3.0, 0.31);
}

TEST(LineSearch, StartsDownhillOnly) {
  const auto evaluate = [](double step) { return LinePoint{step, step, 1.0}; };
  EXPECT_THROW(search_line({0, 0, 1}, 1, {}, evaluate), ContractError);
  EXPECT_THROW(search_line({0, 0, std::nan("")}, 1, {}, evaluate), ContractError);
  EXPECT_THROW(search_line({0, 0, -1}, 0, {}, evaluate), ContractError);
}

}  // namespace
}  // namespace lacuna
