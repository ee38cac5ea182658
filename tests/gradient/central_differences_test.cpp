// The gradients of the double-precision reference against central differences of its value.

#include "gradient/central_differences.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <tuple>

#include "support/cases.h"
#include "support/random.h"

namespace lacuna::test {
namespace {

constexpr double kBound = 1e-9;
constexpr std::int64_t kFeatures = 5;
constexpr std::int64_t kSamples = 7;

struct Depth {
  const char* name;
  std::vector<std::int64_t> encoder, decoder;
};

const Depth kDepths[] = {{"1+1", {4}, {}}, {"2+2", {6, 3}, {4}}, {"3+1", {4, 5, 3}, {}}, {"1+2", {3}, {4}}};

class EveryCase : public testing::TestWithParam<std::tuple<Loss, Reduction>> {};

TEST_P(EveryCase, AgreesWithCentralDifferences) {
  int checked = 0;
  double worst = 0.0;
  for (const Case& c : all_cases()) {
    if (c.loss != std::get<0>(GetParam()) || c.reduction != std::get<1>(GetParam())) continue;
    for (const Depth& depth : kDepths)
      for (double weight_decay : {0.0, 0.01}) {
        const Network shape = make_network(kFeatures, depth.encoder, depth.decoder, c.hidden, c.output);
        const Objective objective{
            .loss = c.loss, .reduction = c.reduction, .sparsity = c.sparsity, .l1 = 0.2, .weight_decay = weight_decay};
        const Point point = smooth_point(shape, objective, kSamples);
        const double error = gradient_error(point.numeric, evaluate(point.network, objective, point.x).gradients);
        EXPECT_LT(error, kBound) << c.name() << " " << depth.name << " weight decay " << weight_decay;
        worst = std::max(worst, error);
        ++checked;
      }
  }
  const bool bce = std::get<0>(GetParam()) == Loss::bce;
  EXPECT_EQ(checked, (bce ? 7 : 21) * 4 * 2);
  RecordProperty("worst_error", std::to_string(worst * 1e12) + "e-12");
}

INSTANTIATE_TEST_SUITE_P(Gradients, EveryCase,
                         testing::Combine(testing::Values(Loss::squared, Loss::half_squared, Loss::bce),
                                          testing::Values(Reduction::sum, Reduction::sample, Reduction::element)),
                         [](const auto& instance) {
                           std::string name = std::string(to_string(std::get<0>(instance.param))) + "_" +
                                              to_string(std::get<1>(instance.param));
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

TEST(CentralDifferences, AgreeWhereTheMeanActivationIsClipped) {
  // Unit 0 is so nearly off, and unit 1 so nearly on, that their means are clipped: S is constant there.
  const Objective objective{.weight_decay = 0.01};
  Random random(3);
  reference::Autoencoder network(make_network(kFeatures, {4}, {}, Activation::sigmoid, Activation::sigmoid));
  randomize(network, random);
  network.layers[0].bias[0] = -18.0;
  network.layers[0].bias[1] = 18.0;
  const reference::Matrix x = random.uniform_matrix(kSamples, kFeatures, 0.0, 1.0);
  const reference::Evaluation here = evaluate(network, objective, x);
  EXPECT_LT(reference::unit_means(here.outputs[0])[0], 0x1p-21);
  EXPECT_GT(reference::unit_means(here.outputs[0])[1], 1 - 0x1p-21);
  const std::optional<Gradients> numeric = central_differences(network, objective, x);
  ASSERT_TRUE(numeric);
  EXPECT_LT(gradient_error(*numeric, here.gradients), kBound);
}

TEST(CentralDifferences, RefuseToStepOverAKink) {
  const Objective objective{.sparsity = Sparsity::none};
  Random random(4);
  reference::Autoencoder network(make_network(kFeatures, {4}, {}, Activation::relu, Activation::sigmoid));
  randomize(network, random);
  const reference::Matrix x = random.uniform_matrix(1, kFeatures, 0.0, 1.0);
  network.layers[0].bias[0] -= evaluate_forward(network, objective, x).pre_activations[0](0, 0) - 1e-4;
  EXPECT_FALSE(central_differences(network, objective, x));
}

}  // namespace
}  // namespace lacuna::test
