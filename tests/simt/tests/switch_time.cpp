// Prints how long a switch between a fiber and its scheduler takes: nanoseconds, the median of many short measurements.

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <vector>

#include "device/fiber.h"

namespace {

simt::Fiber* fiber;

void come_and_go() {
  for (;;) fiber->suspend();
}

double nanoseconds_of_a_switch() {
  constexpr int kResumes = 1000;
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < kResumes; ++i) fiber->resume();
  const std::chrono::duration<double, std::nano> time = std::chrono::steady_clock::now() - begin;
  return time.count() / (2 * kResumes);
}

}  // namespace

int main() {
  simt::Fiber only(0);
  fiber = &only;
  only.prepare(come_and_go);
  std::vector<double> times(2001);
  for (double& time : times) time = nanoseconds_of_a_switch();
  std::sort(times.begin(), times.end());
  std::printf("%.1f ns, from %.1f to %.1f in nine of ten\n", times[1000], times[100], times[1900]);
}
