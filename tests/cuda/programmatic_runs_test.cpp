// Kernels that begin before the one in front of them is done give the same bits, on the emulator and on a device.

#include <gtest/gtest.h>

#include "cuda/graph_run.h"
#include "cuda/programmatic_plans.h"

namespace lacuna::test {
namespace {

class ProgrammaticRuns : public testing::TestWithParam<ProgrammaticPlan> {};

TEST_P(ProgrammaticRuns, HaveTheSameBits) {
  const ProgrammaticPlan& plan = GetParam();
  const auto result = [&](const cuda::GraphOptions& options) {
    GraphRun run(plan.run, options, plan.precision);
    run.steps(64);
    return run.result();
  };
  const std::vector<std::byte> expected = result({});
  for (const std::int64_t most_steps : {1, 4, 16, 64})
    EXPECT_EQ(result({.most_steps = most_steps, .programmatic = true}), expected) << most_steps << " steps to a graph";
  EXPECT_EQ(result({.gather_ahead = false, .programmatic = true}), expected) << "each batch gathered before its step";
}

INSTANTIATE_TEST_SUITE_P(Each, ProgrammaticRuns, testing::ValuesIn(programmatic_plans()),
                         [](const auto& instance) { return instance.param.name; });

}  // namespace
}  // namespace lacuna::test
