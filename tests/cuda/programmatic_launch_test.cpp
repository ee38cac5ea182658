// What the emulator sees of kernels that begin before the one in front of them is done: in every order of threads and
// of branches, with as many launches as before.

#include "cuda/emulator.h"
#include "cuda/graph_run.h"
#include "cuda/programmatic_plans.h"

namespace lacuna::test {
namespace {

class ProgrammaticLaunch : public Emulator, public testing::WithParamInterface<ProgrammaticPlan> {
 protected:
  static std::vector<std::byte> run(bool programmatic, const TrainingRun& of) {
    GraphRun run(of, {.most_steps = 16, .programmatic = programmatic}, GetParam().precision);
    run.steps(21);
    return run.result();
  }
};

TEST_P(ProgrammaticLaunch, GivesTheSameBitsInEveryOrder) {
  const std::vector<std::byte> expected = run(false, GetParam().run);
  for (const simt::Schedule& schedule : kSchedules)
    for (const unsigned seed : {0u, 1u}) {
      simt::set_schedule(schedule);
      simt::set_execution(simt::Execution::deferred, seed);
      EXPECT_EQ(run(true, GetParam().run), expected);
    }
}

simt::Counters counted(const ProgrammaticPlan& plan, const cuda::GraphOptions& options) {
  GraphRun run(plan.run, options, plan.precision);
  simt::reset_counters();
  run.steps(64);
  return simt::counters();
}

TEST_P(ProgrammaticLaunch, TakesAsManyLaunches) {
  const simt::Counters usual = counted(GetParam(), {}), programmatic = counted(GetParam(), {.programmatic = true});
  EXPECT_EQ(programmatic.launches, usual.launches);
  EXPECT_EQ(programmatic.gemms, usual.gemms);
  EXPECT_EQ(programmatic.calls, usual.calls);
  EXPECT_EQ(programmatic.graph_launches, 1u);
  EXPECT_EQ(usual.programmatic, 0u);
}

INSTANTIATE_TEST_SUITE_P(Each, ProgrammaticLaunch, testing::ValuesIn(programmatic_plans()),
                         [](const auto& instance) { return instance.param.name; });

class ProgrammaticLaunches : public Emulator {};

/// All of our own, but for the first of a graph, and with batches gathered ahead these and the updates that are joined.
TEST_F(ProgrammaticLaunches, AreThoseBehindOneKernelOfTheSameStream) {
  const ProgrammaticPlan plan = programmatic_plans().front();
  EXPECT_EQ(counted(plan, {.programmatic = true}).programmatic, 64u * 3 + 1);
  EXPECT_EQ(counted(plan, {.gather_ahead = false, .programmatic = true}).programmatic, 64u * 5 - 1);
  EXPECT_EQ(counted(plan, {.most_steps = 1, .programmatic = true}).programmatic, 64u * 4);
}

}  // namespace
}  // namespace lacuna::test
