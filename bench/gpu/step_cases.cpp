// What is launched once a step and moves next to nothing: how long it takes is all there is to know.

#include <fmt/format.h>

#include "gpu/kernel_case.h"

namespace lacuna::bench {

namespace {

KernelCase sparsity_penalty(const char* name, Sparsity kind, std::int64_t units) {
  KernelCase c{fmt::format("sparsity_penalty/{}/{}/hot", name, units),
               8.0 * static_cast<double>(units),
               8.0 * static_cast<double>(units),
               {},
               {},
               true};
  c.make = [=](Operands&, Operands& own) -> KernelCase::Call {
    cuda::SparsityPenaltyArgs arguments{};
    arguments.kind = kind;
    arguments.units = units;
    arguments.column_sums = own.unit(units);
    arguments.column_abs_sums = own.unit(units);
    arguments.scalars = own.one(StepScalars{.sample_count = 1});
    arguments.rho = 0.1;
    arguments.beta = 3;
    arguments.l1 = 1e-3;
    arguments.column_gradient = kind == Sparsity::kl ? own.unit(units) : nullptr;
    arguments.value = own.one(0.0);
    arguments.mean_activation = own.one(0.0);
    arguments.positions = 1;
    return [=](const cuda::Workspace& workspace) { cuda::sparsity_penalty(workspace, arguments); };
  };
  return c;
}

KernelCase begin_step() {
  KernelCase c{"begin_step/hot", 0, 0, {}, {}, true};
  c.make = [](Operands&, Operands& own) -> KernelCase::Call {
    StepState* state = own.one(StepState{});
    StepScalars* scalars = own.one(StepScalars{});
    return [=](const cuda::Workspace& workspace) {
      cuda::begin_step(workspace, {state, scalars, 100, Optimizer{}, KeptUnits{}});
    };
  };
  return c;
}

KernelCase end_step() {
  KernelCase c{"end_step/hot", 0, 0, {}, {}, true};
  c.make = [](Operands&, Operands& own) -> KernelCase::Call {
    constexpr std::int64_t kRing = 256;
    cuda::EndStepArgs arguments{};
    arguments.state = own.one(StepState{.step = 1});
    arguments.scalars = own.one(StepScalars{.sample_count = 100});
    const double* value = own.one(1.0);
    arguments.reconstruction = arguments.sparsity = arguments.weight_decay = arguments.mean_activation = value;
    arguments.ring = own.repeat(kRing, std::vector<StepLoss>(1));
    arguments.capacity = kRing;
    arguments.data_rows = 60'000;
    return [=](const cuda::Workspace& workspace) { cuda::end_step(workspace, arguments); };
  };
  return c;
}

}  // namespace

void add_step_cases(std::vector<KernelCase>& cases) {
  for (const std::int64_t units : {196, 4096, 65'536}) cases.push_back(sparsity_penalty("kl", Sparsity::kl, units));
  cases.push_back(sparsity_penalty("l1", Sparsity::l1, 4096));
  cases.push_back(begin_step());
  cases.push_back(end_step());
}

}  // namespace lacuna::bench
