#pragma once

#include <cmath>
#include <cstdint>

#include "lacuna/math/hd.h"
#include "lacuna/optimizer.h"

// What changes with the step, from 1. In double: once a step, not once an element.

namespace lacuna::math {

/// What the learning rate is multiplied by in step `step`.
LACUNA_HD double learning_rate_factor(const Schedule& schedule, std::int64_t step) {
  if (step <= schedule.warmup) return static_cast<double>(step) / static_cast<double>(schedule.warmup + 1);
  const std::int64_t since = step - schedule.warmup - 1;
  if (schedule.kind == ScheduleKind::step) {
    const std::int64_t times = since / schedule.every;
    return pow(schedule.factor, static_cast<double>(times));
  }
  if (schedule.kind == ScheduleKind::cosine) {
    const std::int64_t length = schedule.total - schedule.warmup;
    const double done = since >= length ? 1.0 : static_cast<double>(since) / static_cast<double>(length);
    return schedule.factor + (1.0 - schedule.factor) * 0.5 * (1.0 + cos(3.14159265358979323846 * done));
  }
  return 1.0;
}

/// Units kept in step `step`: from `start` in a straight line to `kept`, rounded up.
LACUNA_HD std::int64_t kept_units(std::int64_t start, std::int64_t kept, std::int64_t anneal_steps, std::int64_t step) {
  if (step > anneal_steps || start <= kept) return kept;
  return start - (start - kept) * (step - 1) / anneal_steps;
}

}  // namespace lacuna::math
