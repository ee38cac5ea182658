// What an evaluation tells beside the loss, against the reference: active units, dead ones, explained variance.

#include <gtest/gtest.h>

#include "parity/backends.h"
#include "parity/training_run.h"

namespace lacuna::test {
namespace {

using reference::Matrix;

struct EvaluatedNetwork {
  const char* name;
  Network network;
  Sparsity sparsity = Sparsity::none;
  friend void PrintTo(const EvaluatedNetwork& of, std::ostream* stream) { *stream << of.name; }
};

Network k_sparse() {
  Network network = make_network(30, {40}, {}, Activation::identity, Activation::identity);
  network.encoder[0].kept = 5;
  network.encoder[0].kept_in_evaluation = 8;
  return network;
}

Network convolutional(Activation hidden) {  // a code of 6 channels and 5 x 4 positions
  return Network::convolutional({{1, 6, 5, 4, 3, 1, 1}, {4, 6, 5, 6, 2, 1, 0}}, hidden, Activation::sigmoid);
}

std::vector<EvaluatedNetwork> networks() {
  return {
      {"sigmoid", make_network(30, {17}, {}, Activation::sigmoid, Activation::sigmoid), Sparsity::kl},
      {"identity", make_network(30, {17}, {}, Activation::identity, Activation::identity)},
      {"relu", make_network(30, {17, 9}, {17}, Activation::relu, Activation::identity), Sparsity::l1},
      {"k_sparse", k_sparse(), Sparsity::topk},
      {"conv_relu", convolutional(Activation::relu), Sparsity::l1},
      {"conv_sigmoid", convolutional(Activation::sigmoid)},
  };
}

Matrix samples_of(const Dataset& data) {
  Matrix x(data.rows(), data.features());
  std::vector<float> row(static_cast<std::size_t>(data.features()));
  for (std::int64_t i = 0; i < x.rows; ++i) {
    data.copy_row(i, row.data());
    for (std::int64_t j = 0; j < x.columns; ++j) x(i, j) = row[static_cast<std::size_t>(j)];
  }
  return x;
}

double active_units(const Matrix& code, std::int64_t positions) {
  double active = 0;
  for (const double value : code.values) active += value != 0 ? 1 : 0;
  return active / static_cast<double>(code.rows * positions);
}

std::int64_t dead_units(const Matrix& code, std::int64_t positions) {
  std::int64_t dead = 0;
  for (std::int64_t unit = 0; unit < code.columns / positions; ++unit) {
    bool active = false;
    for (std::int64_t i = 0; i < code.rows; ++i)
      for (std::int64_t p = 0; p < positions; ++p) active = active || code(i, unit * positions + p) != 0;
    dead += active ? 0 : 1;
  }
  return dead;
}

double unexplained_variance(const Matrix& x, const Matrix& y) {
  double error = 0, variance = 0;
  for (std::int64_t j = 0; j < x.columns; ++j) {
    double mean = 0;
    for (std::int64_t i = 0; i < x.rows; ++i) mean += x(i, j) / static_cast<double>(x.rows);
    for (std::int64_t i = 0; i < x.rows; ++i) {
      variance += (x(i, j) - mean) * (x(i, j) - mean);
      error += (x(i, j) - y(i, j)) * (x(i, j) - y(i, j));
    }
  }
  return error / variance;
}

class EvaluationParity : public testing::TestWithParam<std::tuple<BackendFactory, EvaluatedNetwork>> {
 protected:
  std::unique_ptr<Backend> backend_ = std::get<0>(GetParam()).make();
  EvaluatedNetwork of_ = std::get<1>(GetParam());
  Dataset data_ = random_dataset(53, 30, DType::u8, 1, 0.6);
};

TEST_P(EvaluationParity, AgreesWithTheReference) {
  Model model = random_model(of_.network, 2, 1.5);
  const std::string bias = "encoder." + std::to_string(of_.network.encoder.size() - 1) + ".bias";
  model.data(bias)[3] = -1000;  // of a relu code a dead unit; of a k-sparse one the largest in absolute value
  const reference::Autoencoder network = as_reference(model);
  const Layer& layer = of_.network.code_layer();
  const Objective objective{.sparsity = of_.sparsity};
  const Matrix x = samples_of(data_);
  const auto expected = evaluate_forward(network, objective, x, {.kept = layer.kept_in_evaluation});
  const Matrix& code = expected.outputs[network.encoder_layers - 1];

  const Evaluation got = Evaluator(*backend_, model, data_, 16).evaluate(objective);
  ASSERT_TRUE(got.explained_variance);
  const double unexplained = unexplained_variance(x, expected.outputs.back());
  EXPECT_NEAR(1 - *got.explained_variance, unexplained, 1e-5 * unexplained);
  const bool countable = layer.activation == Activation::relu || layer.kept > 0;
  ASSERT_EQ(got.l0.has_value(), countable);
  ASSERT_EQ(got.dead_units.has_value(), countable);
  if (!countable) return;
  EXPECT_DOUBLE_EQ(*got.l0, active_units(code, layer.positions()));
  EXPECT_EQ(*got.dead_units, dead_units(code, layer.positions()));
  EXPECT_GE(*got.dead_units, 1) << "the planted one";
}

TEST_P(EvaluationParity, HasTheBitsOfTheLossAlone) {
  const Model model = random_model(of_.network, 2, 1.5);
  std::vector<Loss> losses{Loss::squared, Loss::half_squared};
  if (of_.network.output_layer().activation == Activation::sigmoid) losses.push_back(Loss::bce);
  Evaluator evaluator(*backend_, model, data_, 16);
  for (const Loss loss : losses) {
    const Objective objective{.loss = loss, .sparsity = of_.sparsity};
    std::vector<double> means;
    const StepLoss before = evaluator.loss(objective, &means);
    const Evaluation evaluation = evaluator.evaluate(objective);
    EXPECT_EQ(evaluation.loss.reconstruction, before.reconstruction) << to_string(loss);
    EXPECT_EQ(evaluation.loss.total(), before.total());
    EXPECT_EQ(evaluation.unit_means, means);
    EXPECT_EQ(evaluator.loss(objective).total(), before.total()) << "after an evaluation";
  }
}

INSTANTIATE_TEST_SUITE_P(Each, EvaluationParity,
                         testing::Combine(testing::ValuesIn(fp32_backends()), testing::ValuesIn(networks())),
                         [](const auto& instance) {
                           return std::get<0>(instance.param).name + "_" + std::get<1>(instance.param).name;
                         });

}  // namespace
}  // namespace lacuna::test
