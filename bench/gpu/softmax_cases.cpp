// Softmax, and softmax with cross-entropy and its gradient.

#include <fmt/format.h>

#include "gpu/kernel_case.h"

namespace lacuna::bench {

namespace {

struct Logits {
  std::int64_t rows, classes;
  bool hot = false;
  std::int64_t elements() const { return rows * classes; }
};

/// A classifier's head; 1000 classes; at least 1 GiB of few classes and of many. 10 and 1003 classes go one at a time.
constexpr Logits kLogits[] = {{100, 10, true},  {1000, 1000},    {16'384, 1000},
                              {26'900'000, 10}, {270'000, 1000}, {270'000, 1003}};

KernelCase row_case(const char* kernel, const Logits& logits, int multiprocessors) {
  const double matrix = 4.0 * static_cast<double>(logits.elements());
  return {fmt::format("{}/{}x{}{}", kernel, logits.rows, logits.classes, logits.hot ? "/hot" : ""),
          2 * matrix,
          matrix,
          cuda::pass_needs(logits.rows, logits.classes, multiprocessors),
          {},
          logits.hot};
}

KernelCase softmax(const Logits& logits, int multiprocessors) {
  KernelCase c = row_case("softmax", logits, multiprocessors);
  c.make = [logits](Operands&, Operands& own) -> KernelCase::Call {
    const cuda::SoftmaxArgs arguments{own.around_zero(logits.elements()), own.around_zero(logits.classes), logits.rows,
                                      logits.classes};
    return [=](const cuda::Workspace& workspace) { cuda::softmax(workspace, arguments); };
  };
  return c;
}

/// In place, as in a training step.
KernelCase softmax_cross_entropy(const Logits& logits, int multiprocessors) {
  KernelCase c = row_case("softmax_cross_entropy", logits, multiprocessors);
  c.make = [logits](Operands&, Operands& own) -> KernelCase::Call {
    std::vector<std::int32_t> labels(1009);
    for (std::size_t i = 0; i < labels.size(); ++i)
      labels[i] = static_cast<std::int32_t>(i * 7919 % static_cast<std::size_t>(logits.classes));
    cuda::SoftmaxCrossEntropyArgs arguments{};
    arguments.delta = own.around_zero(logits.elements());
    arguments.product = arguments.delta;
    arguments.bias = own.around_zero(logits.classes);
    arguments.labels = own.repeat(logits.rows, labels);
    arguments.rows = logits.rows;
    arguments.classes = logits.classes;
    arguments.scalars = own.one(StepScalars{.sample_count = static_cast<float>(logits.rows)});
    arguments.value = own.one(0.0);
    return [=](const cuda::Workspace& workspace) { cuda::softmax_cross_entropy(workspace, arguments); };
  };
  return c;
}

}  // namespace

void add_softmax_cases(std::vector<KernelCase>& cases, int multiprocessors) {
  for (const Logits& logits : kLogits) {
    cases.push_back(softmax(logits, multiprocessors));
    cases.push_back(softmax_cross_entropy(logits, multiprocessors));
  }
}

}  // namespace lacuna::bench
