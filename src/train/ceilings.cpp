#include "train/ceilings.h"

#include <algorithm>
#include <chrono>
#include <limits>

namespace lacuna {

namespace {

constexpr int kTries = 5;

class Stopwatch {
 public:
  explicit Stopwatch(Backend& backend) : backend_(backend), mark_(backend.allocate(8, "a mark in the queue")) {}

  /// Of `steps` runs of the plan, the best of several tries.
  double seconds(const StepPlan& plan, std::int64_t steps) {
    const auto executable = backend_.compile(plan, {});
    executable->run(1);
    wait();
    double best = std::numeric_limits<double>::infinity();
    for (int i = 0; i < kTries; ++i) {
      const auto begin = std::chrono::steady_clock::now();
      executable->run(steps);
      wait();
      best = std::min(best, std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
    }
    return best;
  }

 private:
  void wait() {
    std::int64_t unused = 0;
    backend_.download(&unused, *mark_, 0, sizeof unused);
  }
  Backend& backend_;
  std::unique_ptr<DeviceBuffer> mark_;
};

StepPlan product_of(std::int64_t extent) {
  StepPlan plan{"a product", {}, {}};
  DenseForward product;
  product.input = plan.scratch("left", {extent, extent});
  product.weight = plan.scratch("right", {extent, extent});
  product.output = plan.scratch("product", {extent, extent});
  plan.operations.emplace_back(product);
  return plan;
}

StepPlan copy_of(std::int64_t rows, std::int64_t columns) {
  StepPlan plan{"a copy", {}, {}};
  Gather copy;
  copy.data = plan.scratch("from", {rows, columns});
  copy.state = plan.scratch("state", {3}, DType::i64);
  copy.batch = plan.scratch("to", {rows, columns});
  copy.shuffle = false;
  plan.operations.emplace_back(copy);
  return plan;
}

constexpr int kIdle = 32;

StepPlan idle() {
  StepPlan plan{"nothing", {}, {}};
  SpreadChannels nothing;
  nothing.channels = plan.scratch("one", {1});
  nothing.columns = plan.scratch("other", {1});
  plan.operations.assign(kIdle, nothing);
  return plan;
}

}  // namespace

Ceilings measure_ceilings(Backend& backend, double copied_bytes) {
  Stopwatch stopwatch(backend);
  Ceilings found;
  constexpr double kLongEnough = 2e-3;  // then what surrounds a product does not count
  double seconds = 0;
  for (std::int64_t extent = 128; extent <= 8192 && seconds < kLongEnough; extent *= 2) {
    seconds = stopwatch.seconds(product_of(extent), 1);
    const auto n = static_cast<double>(extent);
    if (2 * n * n * n / seconds < found.flop_per_second) continue;
    found.flop_per_second = 2 * n * n * n / seconds;
    found.product = extent;
  }
  constexpr std::int64_t kColumns = 256;
  const auto rows = std::max<std::int64_t>(1, static_cast<std::int64_t>(copied_bytes / (8.0 * kColumns)));
  constexpr int kCopies = 4;
  found.bytes_per_second =
      kCopies * 8.0 * static_cast<double>(rows * kColumns) / stopwatch.seconds(copy_of(rows, kColumns), kCopies);
  found.operation_seconds = stopwatch.seconds(idle(), 4) / (4 * kIdle);
  return found;
}

}  // namespace lacuna
