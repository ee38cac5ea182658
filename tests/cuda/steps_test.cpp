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

TEST_F(Steps, MakeTenLaunchesEach) {
  const auto backend = make_backend("cuda");
  const Dataset data = random_dataset(800, 784, DType::u8, 1);
  Trainer trainer(*backend, random_model(Network::autoencoder(784, {196}), 2), data, options());
  trainer.run_within_epoch(1);
  simt::reset_counters();
  EXPECT_EQ(trainer.run_within_epoch(5), 5);
  const simt::Counters& counters = simt::counters();
  EXPECT_EQ(counters.graph_launches, 2u);  // of four steps and of one
  EXPECT_EQ(counters.gemms, 5u * 5);
  EXPECT_EQ(counters.launches, 5u * 5);
  std::cout << "a KL-sparse step with Adam: " << counters.launches / 5 << " kernels and " << counters.gemms / 5
            << " matrix products\n";
}

/// And six more in bf16: x, W1, h, W2 and two deltas become bfloat16 once each, for ten operands of products.
TEST_F(Steps, MakeSixteenLaunchesEachInBf16) {
  const auto backend = make_backend("cuda", {.precision = Precision::bf16});
  const Dataset data = random_dataset(800, 784, DType::u8, 1);
  Trainer trainer(*backend, random_model(Network::autoencoder(784, {196}), 2), data, options());
  trainer.run_within_epoch(1);
  simt::reset_counters();
  EXPECT_EQ(trainer.run_within_epoch(5), 5);
  EXPECT_EQ(simt::counters().graph_launches, 2u);
  EXPECT_EQ(simt::counters().gemms, 5u * 5);
  EXPECT_EQ(simt::counters().launches, 5u * (5 + 6));
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
  // 256 steps are four graphs of 64; 172 are two of them, two of 16 and three of 4; and the smaller batch.
  EXPECT_EQ(counters.graph_launches, 4u + 7u + 1u);
  // Beside those and the two waits: the device made current three times, the losses of 256 and of 173 steps asked for.
  EXPECT_LE(counters.calls, 12u + 2u + 3u + 2u * 3u);
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

/// Convolutions, and what belongs to channels, are part of the graph; their workspace was planned before.
TEST_F(Steps, ConvolutionsAreCaptured) {
  const auto backend = make_backend("cuda");
  const Dataset data = random_dataset(40, 144, DType::u8, 1);
  const Network network = Network::convolutional({{1, 12, 12, 4, 3, 2, 1}, {4, 6, 6, 6, 3, 1, 1}}, Activation::sigmoid,
                                                 Activation::sigmoid);
  TrainerOptions small = options();
  small.batch = 8;
  Trainer trainer(*backend, random_model(network, 2), data, small);
  trainer.run_within_epoch(1);
  simt::reset_counters();
  EXPECT_EQ(trainer.run_within_epoch(4), 4);
  const simt::Counters& counters = simt::counters();
  EXPECT_EQ(counters.graph_launches, 1u);
  // Four layers: each forward and to its weights, and all but the first to their input.
  EXPECT_EQ(counters.convolutions, 4u * (4 + 4 + 3));
  EXPECT_EQ(counters.gemms, 0u);
  EXPECT_EQ(counters.allocations + counters.pinned_allocations + counters.frees, 0u);
}

/// Timed, a step is no graph, and takes its operations one by one; to what it computes that makes no difference.
TEST_F(Steps, TimedOnesHaveTheSameBits) {
  const auto backend = make_backend("cuda");
  const Dataset data = random_dataset(70, 30, DType::u8, 1);
  const Model model = random_model(Network::autoencoder(30, {5}), 2);
  TrainerOptions small = options();
  small.batch = 10;
  Trainer plain(*backend, model, data, small), timed(*backend, model, data, small);
  StepProfile profile;
  timed.profile(3, profile);
  simt::reset_counters();
  EXPECT_EQ(timed.run(3).size(), 3u);
  EXPECT_EQ(simt::counters().graph_launches, 0u);
  timed.run(6);
  EXPECT_GT(simt::counters().graph_launches, 0u);
  plain.run(9);
  EXPECT_EQ(timed.model().parameters, plain.model().parameters);

  ASSERT_FALSE(profile.times.empty());
  ASSERT_EQ(profile.times.size() % 3, 0u);
  const std::size_t timed_operations = profile.times.size() / 3;
  EXPECT_LE(timed_operations, profile.plan.operations.size()) << "some ride along with others";
  for (std::size_t i = 0; i < profile.times.size(); ++i) {
    EXPECT_EQ(profile.times[i].operation, profile.times[i % timed_operations].operation);
    EXPECT_GE(profile.times[i].seconds, 0);
    EXPECT_GE(profile.times[i].begin, i > 0 ? profile.times[i - 1].begin : 0);
  }
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
