#pragma once

#include <initializer_list>

#include "device/counters.h"
#include "device/launch.h"

namespace simt::test {

struct Shape {
  dim3 grid, block;
  std::size_t shared_bytes = 0;
  bool cooperative = false;
  std::size_t shared_limit = kDefaultSharedLimit;
};

// Runs a kernel without the fake runtime, which has tests of its own.
template <class... Parameters, class... Arguments>
void launch(const char* name, Shape shape, void (*kernel)(Parameters...), Arguments... arguments) {
  run({shape.grid, shape.block, shape.shared_bytes, shape.cooperative, name, [=] { kernel(arguments...); },
       shape.shared_limit});
}

inline constexpr Schedule kForward{Schedule::Order::forward, 0};
inline constexpr Schedule kReverse{Schedule::Order::reverse, 0};

// Calls compute(), which returns something comparable, in several schedules; says whether all results are the same
// bits.
template <class F>
bool same_in_all_schedules(F compute) {
  set_schedule(kForward);
  const auto expected = compute();
  bool same = true;
  for (const Schedule schedule : {kReverse, Schedule{Schedule::Order::random, 1}, Schedule{Schedule::Order::random, 2},
                                  Schedule{Schedule::Order::random, 3}}) {
    set_schedule(schedule);
    same = compute() == expected && same;
  }
  set_schedule(kForward);
  return same;
}

}  // namespace simt::test
