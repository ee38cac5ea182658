// That a precision asked for is the one computed in: what comes out is off by about what its operands lose, and no
// less.

#include <gtest/gtest.h>

#include "parity/backends.h"
#include "parity/comparison.h"
#include "parity/training_run.h"

namespace lacuna::test {
namespace {

class ReducedPrecision : public testing::TestWithParam<BackendFactory> {
 protected:
  std::unique_ptr<Backend> backend_ = GetParam().make();
  Dataset data_ = random_dataset(33, 60, DType::u8, 1);
  Network network_ = make_network(60, {40}, {}, Activation::sigmoid, Activation::sigmoid);
};

TEST_P(ReducedPrecision, IsThatOfTraining) {
  TrainingRun run{random_model(network_, 2, 2.0), data_, {}};
  run.options.optimizer.learning_rate = 0.01;
  run.options.batch = 11;
  const TrainingResult got = train_on(*backend_, run), expected = train_reference(run);
  expect_same_training(run, got, expected, GetParam().precision);
  expect_off_by_its_rounding(update_of(run, got, 0), update_of(run, expected, 0), GetParam().precision);
}

/// Of the pre-activations: the sigmoid's slope would hide part of it.
TEST_P(ReducedPrecision, IsThatOfEncoding) {
  for (Layer& layer : network_.encoder) layer.activation = Activation::identity;
  const Model model = random_model(network_, 2);
  std::vector<double> got;
  Evaluator evaluator(*backend_, model, data_, 11);
  evaluator.encode([&](const float* values, std::int64_t rows) { got.insert(got.end(), values, values + rows * 40); });

  reference::Matrix x(data_.rows(), data_.features());
  std::vector<float> row(60);
  for (std::int64_t i = 0; i < x.rows; ++i) {
    data_.copy_row(i, row.data());
    for (std::int64_t j = 0; j < 60; ++j) x(i, j) = row[static_cast<std::size_t>(j)];
  }
  const reference::Evaluation expected = evaluate_forward(as_reference(model), {.sparsity = Sparsity::none}, x);
  ASSERT_EQ(got.size(), expected.outputs[0].values.size());
  expect_off_by_its_rounding(got, expected.outputs[0].values, GetParam().precision);
}

// None on a processor that has fp32 alone.
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(ReducedPrecision);
INSTANTIATE_TEST_SUITE_P(Each, ReducedPrecision, testing::ValuesIn(reduced_backends()),
                         [](const auto& instance) { return instance.param.name; });

}  // namespace
}  // namespace lacuna::test
