#include <gtest/gtest.h>

#include <cmath>

#include "lacuna/math/schedule.h"
#include "unit/io_support.h"

namespace lacuna {
namespace {

using math::kept_units;
using math::learning_rate_factor;
using test::expect_error;

TEST(Schedule, ConstantStays) {
  for (std::int64_t step : {1, 2, 1000}) EXPECT_EQ(learning_rate_factor({}, step), 1.0);
}

/// As torch.optim.lr_scheduler.StepLR: the rate is multiplied whenever `every` steps have passed.
TEST(Schedule, StepMultipliesAfterEveryNSteps) {
  const Schedule schedule{ScheduleKind::step, 0, 3, 1, 0.5};
  double rate = 1.0;
  for (std::int64_t done = 0; done < 20; ++done) {
    if (done > 0 && done % 3 == 0) rate *= 0.5;
    EXPECT_DOUBLE_EQ(learning_rate_factor(schedule, done + 1), rate) << done;
  }
}

/// As torch.optim.lr_scheduler.CosineAnnealingLR in its recursive form, which knows of no closed one.
TEST(Schedule, CosineFollowsItsRecursion) {
  constexpr double kPi = 3.14159265358979323846, kLeast = 0.1;
  constexpr std::int64_t kSteps = 40;
  const Schedule schedule{ScheduleKind::cosine, 0, 1, kSteps, kLeast};
  double rate = 1.0;
  for (std::int64_t done = 0; done < kSteps; ++done) {
    EXPECT_NEAR(learning_rate_factor(schedule, done + 1), rate, 1e-12) << done;
    const auto at = static_cast<double>(done), all = static_cast<double>(kSteps);
    rate = kLeast + (rate - kLeast) * (1 + std::cos(kPi * (at + 1) / all)) / (1 + std::cos(kPi * at / all));
  }
  EXPECT_DOUBLE_EQ(learning_rate_factor(schedule, kSteps / 2 + 1), (1 + kLeast) / 2);
  for (std::int64_t after : {kSteps + 1, kSteps + 2, 10 * kSteps})
    EXPECT_DOUBLE_EQ(learning_rate_factor(schedule, after), kLeast) << "it stays where it ended";
}

TEST(Schedule, WarmUpRisesInAStraightLineAndThenTheScheduleBegins) {
  const Schedule constant{ScheduleKind::constant, 4};
  const double wanted[] = {0.2, 0.4, 0.6, 0.8, 1.0, 1.0};
  for (std::int64_t step = 1; step <= 6; ++step)
    EXPECT_DOUBLE_EQ(learning_rate_factor(constant, step), wanted[step - 1]) << step;
  const Schedule cosine{ScheduleKind::cosine, 4, 1, 24, 0.0}, alone{ScheduleKind::cosine, 0, 1, 20, 0.0};
  const Schedule steps{ScheduleKind::step, 4, 3, 1, 0.5}, steps_alone{ScheduleKind::step, 0, 3, 1, 0.5};
  for (std::int64_t step = 1; step <= 25; ++step) {
    EXPECT_DOUBLE_EQ(learning_rate_factor(cosine, 4 + step), learning_rate_factor(alone, step)) << step;
    EXPECT_DOUBLE_EQ(learning_rate_factor(steps, 4 + step), learning_rate_factor(steps_alone, step)) << step;
  }
}

TEST(Schedule, RefusesWhatIsNone) {
  const auto refused = [](const Schedule& schedule, std::string_view part) {
    expect_error<InputError>([&] { schedule.validate(); }, {part});
  };
  refused({ScheduleKind::step, -1}, "warm-up of -1");
  refused({ScheduleKind::step, 0, 0}, "every 0");
  refused({ScheduleKind::cosine, 5, 1, 5}, "warm-up of 5 steps leaves none of 5");
  refused({ScheduleKind::step, 0, 1, 1, 1.5}, "factor is 1.5");
  refused({ScheduleKind::step, 0, 1, 1, std::nan("")}, "factor is nan");
}

TEST(Schedule, KeptUnitsFallInAStraightLine) {
  const std::int64_t wanted[] = {10, 9, 7, 6, 4, 4};  // 10 - 6 (t - 1) / 4 = 10, 8.5, 7, 5.5, and then k
  for (std::int64_t step = 1; step <= 6; ++step) EXPECT_EQ(kept_units(10, 4, 4, step), wanted[step - 1]) << step;
  EXPECT_EQ(kept_units(0, 4, 100, 1), 4) << "no annealing";
  EXPECT_EQ(kept_units(3, 4, 100, 50), 4) << "never below k";
  EXPECT_EQ(kept_units(10, 4, 0, 1), 4);
}

}  // namespace
}  // namespace lacuna
