// The reference's convolutions, tied and k-sparse codes, classifiers, noise and dropout against central differences.

#include <gtest/gtest.h>

#include <algorithm>

#include "gradient/central_differences.h"
#include "support/cases.h"
#include "support/random.h"

namespace lacuna::test {
namespace {

constexpr double kBound = 1e-9;

void expect_right_gradients(const Network& shape, const Objective& objective, std::int64_t samples,
                            const reference::Given& given = {}) {
  shape.validate();
  const Point point = smooth_point(shape, objective, samples, given);
  EXPECT_LT(gradient_error(point.numeric, evaluate(point.network, objective, point.x, given).gradients), kBound);
}

Objective objective_of(const Case& c) {
  return {.loss = c.loss, .reduction = c.reduction, .sparsity = c.sparsity, .l1 = 0.2, .weight_decay = 0.01};
}

/// A kind of network, made with the activations of each case.
struct Kind {
  const char* name;
  std::int64_t samples;
  Network (*make)(Activation hidden, Activation output);
};

Network convolutional(const std::vector<Convolution>& encoder, Activation hidden, Activation output) {
  return Network::convolutional(encoder, hidden, output);
}

Network k_sparse(Network network) {
  network.encoder.back().kept = network.encoder.back().kept_in_evaluation = 2;
  return network;
}

Network tied(Network network) {
  network.tied = true;
  return network;
}

const Kind kKinds[] = {
    // 1 x 4 x 4 -> 2 x 2 x 2, and back with an output padding of 1
    {"strided", 2,
     [](Activation hidden, Activation output) {
       return convolutional({{1, 4, 4, 2, 3, 2, 1}}, hidden, output);
     }},
    // 2 x 4 x 3 -> 3 x 3 x 2
    {"channels", 2,
     [](Activation hidden, Activation output) {
       return convolutional({{2, 4, 3, 3, 2, 1, 0}}, hidden, output);
     }},
    // 1 x 5 x 2 -> 2 x 2 x 1: a stride beyond the kernel leaves values out; then a dense code
    {"mixed", 3,
     [](Activation hidden, Activation output) {
       const Convolution strided{1, 5, 2, 2, 2, 3, 0};
       Network network;
       network.encoder = {Layer::of(strided, hidden), {4, 3, hidden}};
       network.decoder = {{3, 10, output}};
       return network;
     }},
    {"tied", 7, [](Activation hidden, Activation output) { return tied(make_network(5, {4}, {}, hidden, output)); }},
    {"tied_deep", 5,
     [](Activation hidden, Activation output) {
       return tied(make_network(5, {4, 3}, {4}, hidden, output));
     }},
    {"k_sparse", 5,
     [](Activation hidden, Activation output) { return k_sparse(make_network(5, {4}, {}, hidden, output)); }},
    {"k_sparse_tied", 5,
     [](Activation hidden, Activation output) { return k_sparse(tied(make_network(5, {4}, {}, hidden, output))); }},
};

class EveryKind : public testing::TestWithParam<Kind> {};

TEST_P(EveryKind, AgreesWithCentralDifferences) {
  int checked = 0;
  for (const Case& c : all_cases()) {
    const Network shape = GetParam().make(c.hidden, c.output);
    if (shape.code_layer().kept > 0 && c.sparsity != Sparsity::none) continue;
    SCOPED_TRACE(c.name());
    expect_right_gradients(shape, objective_of(c), GetParam().samples);
    ++checked;
  }
  EXPECT_GE(checked, 63);
}

INSTANTIATE_TEST_SUITE_P(Gradients, EveryKind, testing::ValuesIn(kKinds),
                         [](const auto& instance) { return std::string(instance.param.name); });

TEST(CodePenaltiesOverChannels, AverageOverPositions) {
  // Two channels of four positions each, with known activations: the mean of a channel is over samples and positions.
  reference::Matrix code(2, 8);
  for (std::size_t i = 0; i < 16; ++i) code.values[i] = static_cast<double>(i);
  EXPECT_EQ(reference::unit_means(code, 4), (std::vector<double>{5.5, 9.5}));
}

reference::Given with_labels(std::int64_t samples, std::int64_t classes) {
  reference::Given given;
  for (std::int64_t i = 0; i < samples; ++i) given.labels.push_back(static_cast<std::int32_t>((i * 5 + 1) % classes));
  return given;
}

TEST(Classifiers, AgreeWithCentralDifferences) {
  for (Activation hidden : {Activation::identity, Activation::sigmoid, Activation::relu})
    for (double weight_decay : {0.0, 0.01}) {
      const Objective objective{.weight_decay = weight_decay};
      const Layer strided = Layer::of({1, 4, 4, 2, 3, 2, 1}, hidden);
      const std::vector<std::vector<Layer>> encoders{{}, {{5, 4, hidden}}, {{5, 4, hidden}, {4, 6, hidden}}, {strided}};
      for (std::size_t i = 0; i < encoders.size(); ++i) {
        SCOPED_TRACE(std::string(to_string(hidden)) + ", encoder " + std::to_string(i));
        expect_right_gradients(Network::classifying(encoders[i], 5, 3), objective, 4, with_labels(4, 3));
      }
      std::vector<Layer> sparse{{5, 4, hidden}};
      sparse[0].kept = sparse[0].kept_in_evaluation = 2;
      expect_right_gradients(Network::classifying(sparse, 5, 3), objective, 4, with_labels(4, 3));
    }
}

/// Factors as dropout with probability 1/4 has them.
reference::Matrix dropout_factors(std::int64_t rows, std::int64_t columns, Random& random) {
  reference::Matrix factors = random.uniform_matrix(rows, columns, 0.0, 1.0);
  for (double& f : factors.values) f = f < 0.25 ? 0.0 : 1.0 / 0.75;
  return factors;
}

TEST(NoiseAndDropout, AgreeWithCentralDifferences) {
  constexpr std::int64_t kSamples = 4, kFeatures = 5;
  Random random(9);
  for (Activation hidden : {Activation::sigmoid, Activation::relu}) {
    reference::Given given = with_labels(kSamples, 3);
    given.noisy = random.uniform_matrix(kSamples, kFeatures, -0.5, 1.5);
    given.dropout = {dropout_factors(kSamples, 4, random), dropout_factors(kSamples, 6, random)};
    for (Sparsity sparsity : {Sparsity::none, Sparsity::kl, Sparsity::l1}) {
      if (sparsity == Sparsity::kl && hidden != Activation::sigmoid) continue;
      SCOPED_TRACE(std::string(to_string(hidden)) + " " + to_string(sparsity));
      const Objective objective{.sparsity = sparsity, .l1 = 0.2, .weight_decay = 0.01};
      expect_right_gradients(make_network(kFeatures, {4}, {6}, hidden, Activation::sigmoid), objective, kSamples,
                             given);
      expect_right_gradients(Network::classifying({{kFeatures, 4, hidden}, {4, 6, hidden}}, kFeatures, 3), objective,
                             kSamples, given);
    }
  }
}

}  // namespace
}  // namespace lacuna::test
