// What a training step costs the host: launches, waits and allocations, counted.

#include "cuda/emulator.h"
#include "parity/training_run.h"

namespace lacuna::test {
namespace {

class Steps : public Emulator {
 protected:
  static TrainerOptions options() {
    TrainerOptions options;
    options.batch = 100;
    return options;
  }
};

TEST_F(Steps, MakeAtMostFourteenLaunchesEach) {
  const auto backend = make_backend("cuda");
  const Dataset data = random_dataset(800, 784, DType::u8, 1);
  Trainer trainer(*backend, random_model(Network::autoencoder(784, {196}), 2), data, options());
  trainer.run_within_epoch(1);
  simt::reset_counters();
  EXPECT_EQ(trainer.run_within_epoch(5), 5);
  const simt::Counters& counters = simt::counters();
  EXPECT_EQ(counters.graph_launches, 5u);
  EXPECT_EQ(counters.gemms, 5u * 5);
  EXPECT_LE(counters.launches + counters.gemms, 14u * 5);
  EXPECT_GT(counters.launches, 0u);
  std::cout << "a KL-sparse step with Adam: " << counters.launches / 5 << " kernels and " << counters.gemms / 5
            << " matrix products\n";
}

/// Losses are waited for once in as many steps as the ring holds; within that there is nothing to wait for.
TEST_F(Steps, NeitherWaitNorAllocate) {
  const auto backend = make_backend("cuda");
  const Dataset data = random_dataset(3000, 20, DType::f32, 1);
  TrainerOptions small = options();
  small.batch = 7;  // 428 batches and one of 4
  Trainer trainer(*backend, random_model(Network::autoencoder(20, {8}), 2), data, small);
  simt::reset_counters();
  EXPECT_EQ(trainer.run_within_epoch(1000), 429);
  const simt::Counters& counters = simt::counters();
  EXPECT_EQ(counters.graph_launches, 429u);
  EXPECT_EQ(counters.allocations + counters.pinned_allocations + counters.frees, 0u);
  EXPECT_EQ(counters.copies_h2d, 0u);
  // 256 steps, then 173: each waited for once, the first while the second runs.
  EXPECT_EQ(counters.synchronisations, 2u);
  EXPECT_EQ(counters.pageable_copies, 0u);
}

TEST_F(Steps, CuBlasKeepsToItsWorkspaceInGraphs) {
  const auto backend = make_backend("cuda");
  const Dataset data = random_dataset(20, 30, DType::f32, 1);
  Trainer trainer(*backend, random_model(Network::autoencoder(30, {5}), 2), data, options());
  trainer.run(3);
  EXPECT_EQ(simt::counters().default_workspace_captures, 0u);
}

TEST_F(Steps, StopBetweenSteps) {
  const auto backend = make_backend("cuda");
  const Dataset data = random_dataset(3000, 20, DType::f32, 1);
  Trainer trainer(*backend, random_model(Network::autoencoder(20, {8}), 2), data, options());
  const std::atomic<bool> stop{true};
  EXPECT_EQ(trainer.run_within_epoch(10, &stop), 0);
  EXPECT_EQ(trainer.position().step, 0);
}

}  // namespace
}  // namespace lacuna::test
