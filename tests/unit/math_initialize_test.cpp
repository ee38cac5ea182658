#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <span>

#include "lacuna/model.h"

namespace lacuna {
namespace {

struct Moments {
  double mean = 0, sigma = 0, lowest = 0, highest = 0, excess_kurtosis = 0;
};

Moments moments(std::span<const float> values) {
  Moments m;
  const double count = static_cast<double>(values.size());
  for (float v : values) m.mean += v / count;
  double fourth = 0.0, second = 0.0;
  for (float v : values) {
    second += std::pow(v - m.mean, 2) / count;
    fourth += std::pow(v - m.mean, 4) / count;
  }
  m.sigma = std::sqrt(second);
  m.excess_kurtosis = fourth / (second * second) - 3.0;
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  m.lowest = *low;
  m.highest = *high;
  return m;
}

std::span<const float> weights(const Model& model, const char* name) {
  return {model.data(name), static_cast<std::size_t>(model.layout[name].elements())};
}

Model initialized(const Init& init, std::uint64_t seed = 5) {
  Model model(Network::autoencoder(300, {200}));
  initialize(model, init, seed);
  return model;
}

// 60,000 weights: a mean is good to sigma/245, a variance to about 0.6% (normal) or 0.4% (uniform).
void expect_uniform(std::span<const float> values, double limit) {
  const Moments m = moments(values);
  EXPECT_NEAR(m.mean, 0.0, 4 * m.sigma / 245);
  EXPECT_NEAR(m.sigma, limit / std::sqrt(3.0), 0.01 * limit);
  EXPECT_NEAR(m.excess_kurtosis, -1.2, 0.05);
  EXPECT_LE(std::max(-m.lowest, m.highest), limit * (1 + 1e-6));
  EXPECT_LT(m.lowest, -0.999 * limit);
  EXPECT_GT(m.highest, 0.999 * limit);
}

void expect_normal(std::span<const float> values, double sigma) {
  const Moments m = moments(values);
  EXPECT_NEAR(m.mean, 0.0, 4 * sigma / 245);
  EXPECT_NEAR(m.sigma, sigma, 0.015 * sigma);
  EXPECT_NEAR(m.excess_kurtosis, 0.0, 0.1);
  EXPECT_GT(m.highest, 3.5 * sigma) << "tails of 60,000 normals reach beyond 3.5 sigma";
}

TEST(Initialize, XavierUniform) {
  const Model model = initialized({InitScheme::xavier_uniform});
  expect_uniform(weights(model, "encoder.0.weight"), std::sqrt(6.0 / 500));
  expect_uniform(weights(model, "decoder.0.weight"), std::sqrt(6.0 / 500));
}

TEST(Initialize, Ufldl) {
  const Model model = initialized({InitScheme::ufldl});
  expect_uniform(weights(model, "encoder.0.weight"), std::sqrt(6.0 / 501));
  expect_uniform(weights(model, "decoder.0.weight"), std::sqrt(6.0 / 501));
}

TEST(Initialize, Normal) {
  const Model model = initialized({InitScheme::normal, 0.02});
  expect_normal(weights(model, "encoder.0.weight"), 0.02);
  expect_normal(weights(model, "decoder.0.weight"), 0.02);
}

TEST(Initialize, HeUsesTheFanInOfEachLayer) {
  const Model model = initialized({InitScheme::he});
  expect_normal(weights(model, "encoder.0.weight"), std::sqrt(2.0 / 300));
  expect_normal(weights(model, "decoder.0.weight"), std::sqrt(2.0 / 200));
}

TEST(Initialize, BiasesAreZeroAndPaddingStaysZero) {
  Model model(Network::autoencoder(5, {3}));
  std::fill(model.parameters.begin(), model.parameters.end(), 9.0f);
  std::vector<bool> inside(model.parameters.size());
  for (const Parameter& p : model.layout.parameters())
    for (std::int64_t i = 0; i < p.elements(); ++i) inside[static_cast<std::size_t>(p.offset + i)] = true;
  for (std::size_t i = 0; i < inside.size(); ++i)
    if (!inside[i]) model.parameters[i] = 0.0f;
  initialize(model, {}, 1);
  for (const char* name : {"encoder.0.bias", "decoder.0.bias"})
    for (float b : weights(model, name)) EXPECT_EQ(b, 0.0f) << name;
  for (float w : weights(model, "encoder.0.weight")) EXPECT_LE(std::abs(w), std::sqrt(6.0 / 8) * (1 + 1e-6));
  for (std::size_t i = 0; i < inside.size(); ++i)
    EXPECT_TRUE(inside[i] || model.parameters[i] == 0.0f) << "padding at " << i;
}

TEST(Initialize, SameSeedSameBitsOtherSeedOtherWeights) {
  const Model a = initialized({}, 5), b = initialized({}, 5), c = initialized({}, 6);
  EXPECT_EQ(a.parameters, b.parameters);
  EXPECT_NE(a.parameters, c.parameters);
}

TEST(Initialize, LayersOfTheSameShapeGetDifferentWeights) {
  Model model(Network::autoencoder(20, {20}));
  initialize(model, {}, 3);
  const auto first = weights(model, "encoder.0.weight"), second = weights(model, "decoder.0.weight");
  EXPECT_FALSE(std::equal(first.begin(), first.end(), second.begin()));
}

}  // namespace
}  // namespace lacuna
