// The optimizers, over one slab of parameters that decay.

#include <fmt/format.h>

#include <algorithm>

#include "gpu/kernel_case.h"

namespace lacuna::bench {

namespace {

std::vector<cuda::UpdateSegment> segments_of(std::int64_t parameters) {
  std::vector<cuda::UpdateSegment> segments;
  for (std::int64_t begin = 0; begin < parameters; begin += cuda::kSegmentElements) {
    const auto elements = std::min<std::int64_t>(cuda::kSegmentElements, parameters - begin);
    segments.push_back({begin, static_cast<std::int32_t>(elements), 1});
  }
  return segments;
}

KernelCase update(const char* name, const Optimizer& optimizer, std::int64_t parameters, bool hot) {
  const int moments = optimizer.moments();
  const double slab = 4.0 * static_cast<double>(parameters);
  const std::int64_t count = (parameters + cuda::kSegmentElements - 1) / cuda::kSegmentElements;
  KernelCase c{fmt::format("update_parameters/{}/{}{}", name, parameters, hot ? "/hot" : ""),
               (3 + 2 * moments) * slab,
               (2 + moments) * slab,
               {.value_partials = count},
               {},
               hot};
  c.make = [=](Operands& shared, Operands& own) -> KernelCase::Call {
    cuda::UpdateArgs arguments{};
    arguments.parameters = own.around_zero(parameters);
    arguments.gradients = own.around_zero(parameters);
    arguments.moment1 = moments > 0 ? own.around_zero(parameters) : nullptr;
    arguments.moment2 = moments > 1 ? own.unit(parameters) : nullptr;
    arguments.segments = shared.repeat(count, segments_of(parameters));
    arguments.segment_count = count;
    arguments.scalars = shared.one(StepScalars{1e-3f, 1e-3f, 1.0f, 100.0f});
    arguments.optimizer = optimizer;
    arguments.weight_decay = 1e-3;
    arguments.value = own.one(0.0);
    return [=](const cuda::Workspace& workspace) { cuda::update_parameters(workspace, arguments); };
  };
  return c;
}

}  // namespace

void add_update_cases(std::vector<KernelCase>& cases) {
  constexpr std::int64_t kMainJob = 2 * 784 * 196 + 784 + 196, kMillion = 1 << 20;
  Optimizer sgd, momentum;
  sgd.kind = momentum.kind = OptimizerKind::sgd;
  momentum.momentum = 0.9;
  for (const bool hot : {true, false}) cases.push_back(update("adam", {}, kMainJob, hot));
  cases.push_back(update("adam", {}, 16 * kMillion, false));
  cases.push_back(update("adam", {}, 68 * kMillion, false));
  cases.push_back(update("momentum", momentum, 96 * kMillion, false));
  cases.push_back(update("sgd", sgd, 136 * kMillion, false));
}

}  // namespace lacuna::bench
