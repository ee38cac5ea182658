// What a run is a pure function of: the same inputs give the same bits, however the run is cut into pieces.

#include <gtest/gtest.h>

#include <cmath>

#include "lacuna/math/feistel.h"
#include "parity/backends.h"
#include "parity/training_run.h"

namespace lacuna::test {
namespace {

/// 37 samples in batches of 8, so that each epoch ends with a batch of 5; 12 steps are two epochs and two steps.
TrainingRun small_run(DType type) {
  return {.start = random_model(make_network(30, {17, 9}, {13}, Activation::sigmoid, Activation::sigmoid), 1),
          .data = random_dataset(37, 30, type, 2),
          .options = {.objective = {}, .optimizer = {}, .batch = 8, .seed = 5},
          .steps = 12};
}

class Determinism : public testing::TestWithParam<BackendFactory> {
 protected:
  std::unique_ptr<Backend> backend_ = GetParam().make();
};

TEST_P(Determinism, SameSeedSameBits) {
  const TrainingRun run = small_run(DType::u8);
  expect_same_bits(train_on(*backend_, run), train_on(*GetParam().make(), run));
}

TEST_P(Determinism, OtherSeedOtherBatches) {
  TrainingRun run = small_run(DType::u8);
  const TrainingResult first = train_on(*backend_, run);
  run.options.seed = 6;
  EXPECT_NE(first.parameters, train_on(*backend_, run).parameters);
}

TEST_P(Determinism, BytesAndTheSameFloatsGiveTheSameBits) {
  TrainingRun run = small_run(DType::u8);
  const TrainingResult bytes = train_on(*backend_, run);
  run.data = as_floats(run.data);
  expect_same_bits(bytes, train_on(*backend_, run));
}

TEST_P(Determinism, PiecesAreTheWhole) {
  const TrainingRun run = small_run(DType::f32);
  const TrainingResult whole = train_on(*backend_, run);
  Trainer trainer(*backend_, run.start, run.data, run.options);
  TrainingResult pieces;
  for (std::int64_t steps : {1, 5, 4, 2})  // across both ends of an epoch
    for (const StepLoss& loss : trainer.run(steps)) pieces.losses.push_back(loss);
  pieces.parameters = parameters_of(trainer.model());
  expect_same_bits(whole, pieces);
}

TEST_P(Determinism, ARestoredRunGoesOnWithTheSameBits) {
  const TrainingRun run = small_run(DType::f32);
  const TrainingResult whole = train_on(*backend_, run);
  Trainer first(*backend_, run.start, run.data, run.options);
  TrainingResult joined{first.run(7), {}};
  const std::unique_ptr<Backend> other = GetParam().make();
  Trainer second(*other, run.start, run.data, run.options);
  second.run(3);  // must leave no trace
  second.restore(first.state());
  for (const StepLoss& loss : second.run(5)) joined.losses.push_back(loss);
  joined.parameters = parameters_of(second.model());
  expect_same_bits(whole, joined);
}

/// Sample i is the number i + 1, and the network's output stays 0, so that the loss x^2 / 2 of a batch of one tells
/// which sample it was.
TEST_P(Determinism, SamplesComeInFeistelOrder) {
  constexpr std::int64_t kRows = 33;
  const auto values = std::make_shared<std::vector<float>>();
  for (std::int64_t i = 0; i < kRows; ++i) values->push_back(static_cast<float>(i + 1));
  TrainingRun run{.start = Model(make_network(1, {1}, {}, Activation::identity, Activation::identity)),
                  .data = Dataset("numbers", kRows, {1}, DType::f32, values->data(), values),
                  .options = {.objective = {.sparsity = Sparsity::none, .weight_decay = 0},
                              .optimizer = {.kind = OptimizerKind::sgd, .learning_rate = 1e-30},
                              .batch = 1,
                              .seed = 77},
                  .steps = 3 * kRows};
  const TrainingResult result = train_on(*backend_, run);
  ASSERT_EQ(result.losses.size(), static_cast<std::size_t>(run.steps));
  for (std::int64_t step = 0; step < run.steps; ++step) {
    const math::FeistelOrder order(77, static_cast<std::uint64_t>(step / kRows), kRows);
    const double x = std::sqrt(2 * result.losses[static_cast<std::size_t>(step)].reconstruction);
    EXPECT_EQ(std::llround(x) - 1, static_cast<std::int64_t>(order(static_cast<std::uint64_t>(step % kRows))))
        << "step " << step;
  }
}

INSTANTIATE_TEST_SUITE_P(Each, Determinism, testing::ValuesIn(full_size_backends()),
                         [](const auto& instance) { return instance.param.name; });

}  // namespace
}  // namespace lacuna::test
