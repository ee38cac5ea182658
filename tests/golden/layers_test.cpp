// Convolutions, k-sparse codes, tied weights and classifiers of the double-precision reference against PyTorch's. The
// parameters are those of torch.nn.Conv2d, ConvTranspose2d and Linear as their state dictionaries have them.

#include <gtest/gtest.h>

#include "golden/golden_file.h"
#include "reference/autoencoder.h"
#include "support/cases.h"

namespace lacuna::test {
namespace {

struct GoldenNetwork {
  const char* name;
  Network network;
  Objective objective;
};

std::vector<GoldenNetwork> golden_networks() {
  const std::vector<Convolution> convolutions{{1, 8, 6, 2, 3, 2, 1}, {2, 4, 3, 3, 2, 1, 0}};
  Network tied = make_network(5, {9}, {}, Activation::identity, Activation::sigmoid);
  tied.tied = true;
  tied.encoder[0].kept = tied.encoder[0].kept_in_evaluation = 3;
  const auto objective = [](Loss loss, Sparsity sparsity) {
    return Objective{.loss = loss,
                     .reduction = Reduction::element,
                     .sparsity = sparsity,
                     .rho = 0.1,
                     .beta = 3.0,
                     .l1 = 0.2,
                     .weight_decay = 0.01};
  };
  return {{"conv-l1", Network::convolutional(convolutions, Activation::relu, Activation::identity),
           objective(Loss::squared, Sparsity::l1)},
          {"conv-kl", Network::convolutional(convolutions, Activation::sigmoid, Activation::identity),
           objective(Loss::squared, Sparsity::kl)},
          {"classifier", Network::classifying({{5, 4, Activation::sigmoid}, {4, 6, Activation::sigmoid}}, 5, 3),
           objective(Loss::squared, Sparsity::none)},
          {"top-k-tied", tied, objective(Loss::bce, Sparsity::topk)}};
}

TEST(GoldenLayers, TermsAndGradientsAreThoseOfPyTorch) {
  const Tensors tensors = golden("layers");
  const std::map<std::string, Shape> shapes = golden_shapes("layers");
  std::size_t used = 0;
  for (const auto& [name, shape, objective] : golden_networks()) {
    SCOPED_TRACE(name);
    const std::string prefix = std::string(name) + "/";
    const auto tensor = [&](const std::string& rest) -> const std::vector<double>& {
      ++used;
      return tensors.at(prefix + rest);
    };
    reference::Matrix x(shapes.at(prefix + "x")[0], shape.features());
    x.values = tensor("x");
    reference::Given given;
    if (shape.classifier)
      for (double label : tensor("labels")) given.labels.push_back(static_cast<std::int32_t>(label));

    reference::Autoencoder network(shape);
    std::vector<std::string> names;
    const ParameterLayout layout(shape);
    for (const Parameter& parameter : layout.parameters()) {
      if (!parameter.alias_of.empty()) continue;
      EXPECT_EQ(parameter.shape, shapes.at(prefix + "parameter/" + parameter.name)) << parameter.name;
      *network.parameters().at(names.size()) = tensor("parameter/" + parameter.name);
      names.push_back(parameter.name);
    }
    const reference::Evaluation result = evaluate(network, objective, x, given);
    EXPECT_LT(relative_error(std::vector<double>{result.reconstruction, result.sparsity, result.weight_decay},
                             tensor("terms")),
              kBound);
    ASSERT_EQ(result.gradients.size(), names.size());
    for (std::size_t p = 0; p < names.size(); ++p)
      EXPECT_LT(relative_error(result.gradients[p], tensor("gradient/" + names[p])), kBound) << names[p];
  }
  EXPECT_EQ(used, tensors.size()) << "every golden tensor is checked";
}

}  // namespace
}  // namespace lacuna::test
