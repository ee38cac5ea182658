// The resident engine's training runs against the reference in double precision and against the graph engine's.

#include <gtest/gtest.h>

#include "cuda/engines.h"
#include "parity/comparison.h"
#include "parity/training_run.h"

namespace lacuna::test {
namespace {

/// 31 samples in batches of 12, 12 and 7; the sizes are multiples of nothing.
TrainingRun run_of(const Objective& objective, const Optimizer& optimizer, DType type, std::int64_t steps) {
  return {.start = random_model(Network::autoencoder(17, {7}), 1, 2.0),
          .data = random_dataset(31, 17, type, 2),
          .options = {.objective = objective, .optimizer = optimizer, .batch = 12, .seed = 5},
          .steps = steps};
}

TEST(ResidentRuns, TwoHundredSteps) {
  const TrainingRun run =
      run_of({.beta = 0.5, .weight_decay = 0.01}, {.kind = OptimizerKind::adam, .learning_rate = 0.01}, DType::u8, 200);
  const TrainingResult resident = train_on(*backend_with(Engine::resident), run);
  expect_same_training(run, resident, train_reference(run));
  expect_same_training(run, resident, train_on(*backend_with(Engine::graph), run));
}

struct Variant {
  const char* name;
  Objective objective;
  Activation hidden, output;
  Optimizer optimizer;
  DType type;
  bool shuffle;
};

void PrintTo(const Variant& variant, std::ostream* out) {
  *out << variant.name;
}

class ResidentVariants : public testing::TestWithParam<Variant> {};

TEST_P(ResidentVariants, AgreesWithTheReference) {
  const Variant& v = GetParam();
  TrainingRun run = run_of(v.objective, v.optimizer, v.type, 7);
  run.start = random_model(make_network(17, {7}, {}, v.hidden, v.output), 1, 1.0);
  run.options.shuffle = v.shuffle;
  expect_same_training(run, train_on(*backend_with(Engine::resident), run), train_reference(run));
}

constexpr Optimizer kSgd{.kind = OptimizerKind::sgd, .learning_rate = 0.02};
constexpr Optimizer kMomentum{.kind = OptimizerKind::sgd, .learning_rate = 0.01, .momentum = 0.9};
constexpr Optimizer kNesterov{.kind = OptimizerKind::sgd, .learning_rate = 0.01, .momentum = 0.9, .nesterov = true};
constexpr Optimizer kWarm{.kind = OptimizerKind::adam,
                          .learning_rate = 0.02,
                          .schedule = {.kind = ScheduleKind::step, .warmup = 3, .every = 2, .factor = 0.5}};

INSTANTIATE_TEST_SUITE_P(
    Each, ResidentVariants,
    testing::Values(Variant{"sgd_l1_relu_floats",
                            {.loss = Loss::squared, .sparsity = Sparsity::l1, .l1 = 0.05, .weight_decay = 0.01},
                            Activation::relu,
                            Activation::identity,
                            kSgd,
                            DType::f32,
                            false},
                    Variant{"momentum_none_identity_sum",
                            {.reduction = Reduction::sum, .sparsity = Sparsity::none, .weight_decay = 0},
                            Activation::identity,
                            Activation::relu,
                            {.kind = OptimizerKind::sgd, .learning_rate = 1e-3, .momentum = 0.9},
                            DType::u8,
                            false},
                    Variant{"nesterov_kl_squared_sigmoid",
                            {.loss = Loss::squared, .beta = 0.5},
                            Activation::sigmoid,
                            Activation::sigmoid,
                            kNesterov,
                            DType::f32,
                            true},
                    Variant{"scheduled_adam_bce_element",
                            {.loss = Loss::bce, .reduction = Reduction::element, .beta = 0.02, .weight_decay = 1e-3},
                            Activation::sigmoid,
                            Activation::sigmoid,
                            kWarm,
                            DType::u8,
                            true}),
    [](const auto& instance) { return instance.param.name; });

/// More parts than units, rows that are copied 16 bytes at a time, a batch of one sample.
struct Size {
  std::int64_t features, hidden, batch;
};
constexpr Size kAwkwardSizes[] = {{1, 1, 1}, {32, 2, 9}, {5, 33, 4}, {131, 3, 3}};

TEST(ResidentRuns, AwkwardSizes) {
  for (const auto& [features, hidden, batch] : kAwkwardSizes)
    for (DType type : {DType::u8, DType::f32}) {
      TrainingRun run{random_model(Network::autoencoder(features, {hidden}), 4, 2.0),
                      random_dataset(2 * batch + 1, features, type, 5),
                      {}};
      run.options.optimizer.learning_rate = 0.01;
      run.options.batch = batch;
      run.steps = 3;
      SCOPED_TRACE(std::to_string(features) + "-" + std::to_string(hidden) + ", batch " + std::to_string(batch));
      expect_same_training(run, train_on(*backend_with(Engine::resident), run), train_reference(run));
    }
}

struct OnTensorCores {
  Precision precision;
  DType type;
};

class ResidentPrecision : public testing::TestWithParam<OnTensorCores> {};

/// Products of several tiles in every direction, none of them whole; batches of 21 and 12. By SGD: Adam makes full
/// steps of what rounding leaves of a gradient that is nearly 0, in the graph engine the same ones.
TEST_P(ResidentPrecision, IsThatOfTraining) {
  const auto [precision, type] = GetParam();
  TrainingRun run{random_model(Network::autoencoder(53, {37}), 2, 2.0), random_dataset(33, 53, type, 1), {}};
  run.options.optimizer = kSgd;
  run.options.batch = 21;
  run.steps = 4;
  const TrainingResult got = train_on(*backend_with(Engine::resident, precision), run), expected = train_reference(run);
  expect_same_training(run, got, expected, precision);
  for (const std::size_t weight : {0, 2})
    expect_off_by_its_rounding(update_of(run, got, weight), update_of(run, expected, weight), precision);
}

/// Of updates so few that terms may cancel, ten times the bound.
TEST_P(ResidentPrecision, AwkwardSizes) {
  const auto [precision, type] = GetParam();
  for (const auto& [features, hidden, batch] : kAwkwardSizes) {
    TrainingRun run{random_model(Network::autoencoder(features, {hidden}), 4, 2.0),
                    random_dataset(2 * batch + 1, features, type, 5),
                    {}};
    run.options.optimizer = kSgd;
    run.options.batch = batch;
    run.steps = 3;
    const TrainingResult got = train_on(*backend_with(Engine::resident, precision), run);
    const TrainingResult expected = train_reference(run);
    SCOPED_TRACE(std::to_string(features) + "-" + std::to_string(hidden) + ", batch " + std::to_string(batch));
    const double loss = expected.losses.back().reconstruction;
    EXPECT_NEAR(got.losses.back().reconstruction, loss, bound_of(precision) * loss);
    for (std::size_t i = 0; i < expected.parameters.size(); ++i)
      EXPECT_LE(relative_error(update_of(run, got, i), update_of(run, expected, i)), 10 * bound_of(precision)) << i;
  }
}

INSTANTIATE_TEST_SUITE_P(Each, ResidentPrecision,
                         testing::Values(OnTensorCores{Precision::tf32, DType::u8},
                                         OnTensorCores{Precision::tf32, DType::f32},
                                         OnTensorCores{Precision::bf16, DType::u8},
                                         OnTensorCores{Precision::bf16, DType::f32}),
                         [](const auto& instance) {
                           return std::string(to_string(instance.param.precision)) +
                                  (instance.param.type == DType::u8 ? "_bytes" : "_floats");
                         });

}  // namespace
}  // namespace lacuna::test
