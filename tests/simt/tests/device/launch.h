#pragma once

#include <string>

#include "device/counters.h"
#include "device/launch.h"
#include "device/symbols.h"

namespace simt::test {

constexpr unsigned kAll = 0xffffffffu;  // lanes

struct Shape {
  dim3 grid, block;
  std::size_t shared_bytes = 0;
  bool cooperative = false;
  std::size_t shared_limit = kDefaultSharedLimit;
};

// Runs a kernel without the fake runtime, which has tests of its own.
template <class... Parameters, class... Arguments>
void launch(Shape shape, void (*kernel)(Parameters...), Arguments... arguments) {
  const std::string name = function_name(reinterpret_cast<const void*>(kernel));
  run({shape.grid, shape.block, shape.shared_bytes, shape.cooperative, name.c_str(), [=] { kernel(arguments...); },
       shape.shared_limit});
}

// The message of the fault that the launch ends with.
template <class... Parameters, class... Arguments>
std::string fault_of(Shape shape, void (*kernel)(Parameters...), Arguments... arguments) {
  try {
    launch(shape, kernel, arguments...);
  } catch (const Fault& fault) {
    return fault.what();
  }
  return "no fault";
}

// "file.cu:12:", as it stands in messages.
inline std::string place(const char* file, int line) {
  const std::string path = file;
  return path.substr(path.rfind('/') + 1) + ":" + std::to_string(line) + ":";
}

inline constexpr Schedule kForward{Schedule::Order::forward, 0};
inline constexpr Schedule kReverse{Schedule::Order::reverse, 0};

// Whether compute(), which returns something comparable, gives the same bits in several schedules.
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
