// The double-precision reference against values that PyTorch computed in float64 (make_golden.py).

#include <gtest/gtest.h>

#include <algorithm>
#include <span>
#include <type_traits>

#include "golden/golden_file.h"
#include "reference/training.h"
#include "support/cases.h"

namespace lacuna::test {
namespace {

constexpr std::int64_t kFeatures = 5;

void set_parameters(reference::Autoencoder& network, std::span<const double> flat) {
  for (std::vector<double>* parameter : network.parameters()) {
    ASSERT_GE(flat.size(), parameter->size());
    std::copy_n(flat.begin(), parameter->size(), parameter->begin());
    flat = flat.subspan(parameter->size());
  }
  ASSERT_TRUE(flat.empty());
}

std::vector<double> flattened(const auto& tensors) {
  std::vector<double> flat;
  for (const auto& tensor : tensors) {
    const std::vector<double>& values = [&]() -> const std::vector<double>& {
      if constexpr (std::is_pointer_v<std::remove_cvref_t<decltype(tensor)>>)
        return *tensor;
      else
        return tensor;
    }();
    flat.insert(flat.end(), values.begin(), values.end());
  }
  return flat;
}

reference::Matrix samples(const std::vector<double>& values) {
  reference::Matrix x(static_cast<std::int64_t>(values.size()) / kFeatures, kFeatures);
  x.values = values;
  return x;
}

Objective objective_of(const Case& c) {
  return {.loss = c.loss,
          .reduction = c.reduction,
          .sparsity = c.sparsity,
          .rho = 0.1,
          .beta = 3.0,
          .l1 = 0.2,
          .weight_decay = 0.01};
}

std::vector<double> terms_of(const reference::Evaluation& e) {
  return {e.reconstruction, e.sparsity, e.weight_decay};
}

class OneBatch : public testing::TestWithParam<const char*> {};

TEST_P(OneBatch, TermsAndGradientsAreThoseOfPyTorch) {
  const Tensors tensors = golden(GetParam());
  const reference::Matrix x = samples(tensors.at("x"));
  std::size_t checked = 0;
  for (const Case& c : all_cases()) {
    if (std::string(to_string(c.loss)) != GetParam()) continue;
    reference::Autoencoder network(make_network(kFeatures, {4}, {}, c.hidden, c.output));
    ASSERT_NO_FATAL_FAILURE(set_parameters(network, tensors.at("parameters")));
    const reference::Evaluation result = evaluate(network, objective_of(c), x);
    EXPECT_LT(relative_error(terms_of(result), tensors.at(c.name() + "/terms")), kBound) << c.name();
    EXPECT_LT(relative_error(flattened(result.gradients), tensors.at(c.name() + "/gradients")), kBound) << c.name();
    ++checked;
  }
  EXPECT_EQ(2 + 2 * checked, tensors.size()) << "every golden case is checked";
}

INSTANTIATE_TEST_SUITE_P(Golden, OneBatch, testing::Values("squared", "half-squared", "bce"),
                         [](const auto& instance) { return instance.index == 1 ? "half_squared" : instance.param; });

struct GoldenRun {
  const char* depth;
  std::vector<std::int64_t> encoder, decoder;
  Case words;
};

const GoldenRun kRuns[] = {
    {"1+1", {4}, {}, {}},
    {"2+2", {6, 3}, {4}, {}},
    {"2+2", {6, 3}, {4}, {Loss::bce, Reduction::element, Sparsity::l1, Activation::relu, Activation::sigmoid}},
    {"3+1", {4, 5, 3}, {}, {Loss::squared, Reduction::sum, Sparsity::none, Activation::sigmoid, Activation::identity}},
};

const std::pair<const char*, Optimizer> kOptimizers[] = {
    {"sgd", {.kind = OptimizerKind::sgd, .learning_rate = 0.1}},
    {"momentum", {.kind = OptimizerKind::sgd, .learning_rate = 0.1, .momentum = 0.9}},
    {"nesterov", {.kind = OptimizerKind::sgd, .learning_rate = 0.1, .momentum = 0.9, .nesterov = true}},
    {"adam", {.kind = OptimizerKind::adam, .learning_rate = 0.01}},
};

/// `count` batches of 4, 4, 4, 2 samples, in order, again and again.
std::vector<reference::Matrix> batches_of(const reference::Matrix& x, std::int64_t count) {
  std::vector<reference::Matrix> batches;
  std::int64_t row = 0;
  for (std::int64_t i = 0; i < count; ++i) {
    reference::Matrix batch(std::min<std::int64_t>(4, x.rows - row), x.columns);
    std::copy_n(x.values.begin() + row * x.columns, batch.values.size(), batch.values.begin());
    batches.push_back(std::move(batch));
    row = (row + batches.back().rows) % x.rows;
  }
  return batches;
}

class TrainingRun : public testing::TestWithParam<GoldenRun> {};

TEST_P(TrainingRun, LossesAndParametersAreThoseOfPyTorch) {
  const GoldenRun& run = GetParam();
  const Tensors tensors = golden("training");
  const std::vector<reference::Matrix> batches = batches_of(samples(tensors.at("x")), 20);
  const std::string name = std::string(run.depth) + "/" + run.words.name();
  const std::vector<double>& start = tensors.at(name + "/start");
  for (const auto& [optimizer_name, optimizer] : kOptimizers) {
    reference::Autoencoder network(
        make_network(kFeatures, run.encoder, run.decoder, run.words.hidden, run.words.output));
    ASSERT_NO_FATAL_FAILURE(set_parameters(network, start));
    reference::Training training(network, objective_of(run.words), optimizer);
    std::vector<double> history;
    for (const reference::Evaluation& step : training.train(batches))
      for (double term : terms_of(step)) history.push_back(term);
    const std::vector<double> end = flattened(training.network().parameters());
    const std::string prefix = name + "/" + optimizer_name;
    EXPECT_LT(relative_error(history, tensors.at(prefix + "/terms")), kBound) << prefix;
    EXPECT_LT(relative_error(end, tensors.at(prefix + "/end")), kBound) << prefix;
    EXPECT_GT(relative_error(end, start), 1e-2) << prefix << ": the parameters must have moved";
  }
}

INSTANTIATE_TEST_SUITE_P(Golden, TrainingRun, testing::ValuesIn(kRuns),
                         [](const auto& instance) { return "run" + std::to_string(instance.index); });

}  // namespace
}  // namespace lacuna::test
