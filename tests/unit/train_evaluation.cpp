// What an evaluation adds up on the host: active units and explained variance.

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "lacuna/trainer.h"
#include "support/random.h"
#include "train/evaluation_sums.h"

namespace lacuna::test {
namespace {

using Floats = std::vector<float>;

Floats random_floats(std::size_t count, double low, double high, std::uint64_t seed) {
  Random random(seed);
  Floats values(count);
  for (float& value : values) value = static_cast<float>(random.uniform(low, high));
  return values;
}

std::optional<double> explained(const Floats& x, const Floats& y, std::int64_t features) {
  ExplainedVariance sums(features);
  sums.add(x.data(), y.data(), static_cast<std::int64_t>(x.size()) / features);
  return sums.value();
}

TEST(ActiveUnits, AreThoseThatAreNotZero) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const Floats codes{0, 1, -2,     0.0F,  0,  //
                     0, 0, 1e-45F, -0.0F, 0,  //
                     0, 3, 0,      0,     nan};
  ActiveUnits units({7, 5, Activation::relu});
  units.add(codes.data(), 1);
  units.add(codes.data() + 5, 2);
  EXPECT_DOUBLE_EQ(units.l0(), 5.0 / 3);
  EXPECT_EQ(units.dead(), 2) << "the first and the fourth";
}

TEST(ActiveUnits, OfAConvolutionAreChannelsAtPositions) {
  const Layer code = Layer::of({1, 2, 2, 3, 1, 1, 0}, Activation::relu);  // 3 channels of 2 x 2
  const Floats codes{0, 0, 0, 1, 0, 0, 0, 0, 1, 1, 0, 1,                  //
                     2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
  ActiveUnits units(code);
  units.add(codes.data(), 2);
  EXPECT_DOUBLE_EQ(units.l0(), 5.0 / (2 * 4)) << "of each position on average";
  EXPECT_EQ(units.dead(), 1) << "the second channel";
}

TEST(ActiveUnits, AreCountedWhereUnitsCanBeOff) {
  const auto countable = [](Activation activation, std::int64_t kept) {
    return ActiveUnits::countable({4, 4, activation, {}, kept, kept});
  };
  EXPECT_TRUE(countable(Activation::relu, 0));
  for (const Activation activation : {Activation::sigmoid, Activation::identity, Activation::relu})
    EXPECT_TRUE(countable(activation, 2));
  EXPECT_FALSE(countable(Activation::sigmoid, 0));
  EXPECT_FALSE(countable(Activation::identity, 0));
}

TEST(ExplainedVariance, OfOneOfTwoAxes) {
  const Floats x{1, 4, 3, 8}, y{1, 6, 3, 6};  // variances 2 and 8; the second axis is given as its mean
  EXPECT_DOUBLE_EQ(explained(x, y, 2).value(), 0.2);
  EXPECT_EQ(explained(x, x, 2), 1.0);
  EXPECT_DOUBLE_EQ(explained(x, {2, 6, 2, 6}, 2).value(), 0.0) << "the mean explains nothing";
  EXPECT_DOUBLE_EQ(explained(x, {0, 0, 0, 0}, 2).value(), 1.0 - 90.0 / 10) << "and zeros less";
}

/// Values far from 0 beside their spread: sums of squares would lose it.
TEST(ExplainedVariance, LosesNothingFarFromZero) {
  constexpr std::int64_t kRows = 3000, kFeatures = 7;
  const Floats x = random_floats(kRows * kFeatures, 50'000, 50'001, 1);
  Floats y = random_floats(kRows * kFeatures, -0.25, 0.25, 2);
  for (std::size_t i = 0; i < y.size(); ++i) y[i] += x[i];
  long double error = 0, variance = 0;
  for (std::int64_t j = 0; j < kFeatures; ++j) {
    long double mean = 0;
    for (std::size_t i = static_cast<std::size_t>(j); i < x.size(); i += kFeatures) mean += x[i];
    mean /= kRows;
    for (std::size_t i = static_cast<std::size_t>(j); i < x.size(); i += kFeatures) {
      variance += (x[i] - mean) * (x[i] - mean);
      error += (static_cast<long double>(x[i]) - y[i]) * (static_cast<long double>(x[i]) - y[i]);
    }
  }
  EXPECT_NEAR(explained(x, y, kFeatures).value(), static_cast<double>(1 - error / variance), 1e-12);
}

TEST(ExplainedVariance, IsTheSameInWhateverParts) {
  constexpr std::int64_t kRows = 101, kFeatures = 5;
  const Floats x = random_floats(kRows * kFeatures, -1, 1, 1), y = random_floats(kRows * kFeatures, -1, 1, 2);
  for (const std::int64_t part : {1, 7, 100}) {
    ExplainedVariance sums(kFeatures);
    for (std::int64_t begin = 0; begin < kRows; begin += part)
      sums.add(x.data() + begin * kFeatures, y.data() + begin * kFeatures, std::min(part, kRows - begin));
    EXPECT_EQ(sums.value(), explained(x, y, kFeatures)) << part;
  }
}

TEST(ExplainedVariance, IsNothingWhereAllSamplesAreEqual) {
  Floats x;
  for (int i = 0; i < 1000; ++i) x.insert(x.end(), {0.1F, -3e30F, 1e-40F});
  EXPECT_FALSE(explained(x, x, 3));
  EXPECT_FALSE(explained(x, Floats(3000, 0.5F), 3));
  EXPECT_FALSE(explained({0.1F, 2}, {0, 0}, 2)) << "a single sample";
  x.back() = 0;
  EXPECT_TRUE(explained(x, x, 3)) << "the smallest difference counts";
}

Dataset dataset_of(const Floats& values, std::int64_t features) {
  const auto copy = std::make_shared<Floats>(values);
  return {"values", static_cast<std::int64_t>(values.size()) / features, {features}, DType::f32, copy->data(), copy};
}

/// A relu code of x, -x and two units that a bias keeps off or on, of numbers that float holds exactly.
Model planted() {
  Model model(Network::autoencoder(1, {4}, Activation::relu, Activation::identity));
  const float weight[] = {1, -1, 1, 0}, bias[] = {0, 0, -100, 1}, back[] = {0.5F, -0.5F, 1, 0};
  std::copy_n(weight, 4, model.data("encoder.0.weight"));
  std::copy_n(bias, 4, model.data("encoder.0.bias"));
  std::copy_n(back, 4, model.data("decoder.0.weight"));
  return model;
}

TEST(Evaluation, FindsWhatWasPlanted) {
  const auto backend = make_backend("cpu", {.threads = 1});
  for (const std::int64_t batch : {1, 2, 3, 1000}) {
    const Dataset data = dataset_of({-2, 0, 1, 3, 8}, 1);
    const Evaluation found = Evaluator(*backend, planted(), data, batch).evaluate({.sparsity = Sparsity::l1});
    EXPECT_DOUBLE_EQ(found.l0.value(), 9.0 / 5) << "x or -x, but for 0, and the last";
    EXPECT_EQ(found.dead_units, 1);
    EXPECT_DOUBLE_EQ(found.explained_variance.value(), 1 - 0.25 * 78 / 58) << "half of each sample is missing";
    const Evaluation below = Evaluator(*backend, planted(), data.first(2), batch).evaluate({.sparsity = Sparsity::l1});
    EXPECT_EQ(below.dead_units, 2) << "of these samples none is above 0";
  }
}

TEST(Evaluation, OfEqualSamplesExplainsNoVariance) {
  const auto backend = make_backend("cpu", {.threads = 1});
  const Evaluation found =
      Evaluator(*backend, planted(), dataset_of({0.3F, 0.3F, 0.3F}, 1), 2).evaluate({.sparsity = Sparsity::none});
  EXPECT_FALSE(found.explained_variance);
  EXPECT_DOUBLE_EQ(found.l0.value(), 2);
  EXPECT_EQ(found.dead_units, 2);
}

/// More values in a batch than are copied to the host at once.
TEST(Evaluation, LooksAtEveryPieceOfABatch) {
  const auto backend = make_backend("cpu", {.threads = 2});
  const Dataset data = synthetic_digits(700);
  Model model(Network::autoencoder(784, {300}, Activation::relu, Activation::identity));
  initialize(model, {}, 1);
  const Objective objective{.sparsity = Sparsity::none};
  const Evaluation whole = Evaluator(*backend, model, data, 700).evaluate(objective);
  ActiveUnits active(model.network.code_layer());
  ExplainedVariance explained(784);
  Evaluator evaluator(*backend, model, data, 700);
  Floats x(784);
  std::int64_t next = 0;
  evaluator.encode([&](const float* codes, std::int64_t rows) { active.add(codes, rows); });
  evaluator.reconstruct([&](const float* values, std::int64_t rows) {
    for (std::int64_t i = 0; i < rows; ++i) {
      data.copy_row(next++, x.data());
      explained.add(x.data(), values + i * 784, 1);
    }
  });
  EXPECT_EQ(whole.l0, active.l0());
  EXPECT_EQ(whole.dead_units, active.dead());
  EXPECT_NEAR(whole.explained_variance.value(), explained.value().value(), 1e-6);
}

TEST(Evaluation, IsOfAutoencoders) {
  const auto backend = make_backend("cpu", {.threads = 1});
  Evaluator evaluator(*backend, Model(Network::classifying({}, 1, 3)), dataset_of({1, 2}, 1));
  EXPECT_THROW(evaluator.evaluate({}), ContractError);
}

}  // namespace
}  // namespace lacuna::test
