#include "gradient/central_differences.h"

#include <cmath>
#include <limits>

namespace lacuna::test {
namespace {

constexpr double kStep = 0x1p-7;

/// On which side of its kinks J is evaluated.
std::vector<bool> sides_of_kinks(const reference::Autoencoder& network, const Objective& objective,
                                 const reference::Evaluation& evaluation) {
  std::vector<bool> sides;
  for (std::size_t l = 0; l < network.layers.size(); ++l) {
    const bool penalized = objective.sparsity == Sparsity::l1 && l + 1 == network.encoder_layers &&
                           network.layers[l].activation == Activation::identity;
    if (network.layers[l].activation != Activation::relu && !penalized) continue;
    for (double a : evaluation.pre_activations[l].values) sides.push_back(a > 0.0);
  }
  return sides;
}

}  // namespace

std::optional<Gradients> central_differences(const reference::Autoencoder& network, const Objective& objective,
                                             const reference::Matrix& x) {
  const std::vector<bool> sides = sides_of_kinks(network, objective, evaluate_forward(network, objective, x));
  bool crossed = false;
  reference::Autoencoder moved = network;
  Gradients gradients;
  for (std::vector<double>* parameter : moved.parameters()) {
    gradients.emplace_back();
    for (double& value : *parameter) {
      const double centre = value;
      const auto at = [&](double offset) {
        value = centre + offset;
        const reference::Evaluation evaluation = evaluate_forward(moved, objective, x);
        crossed = crossed || sides_of_kinks(moved, objective, evaluation) != sides;
        return evaluation.total();
      };
      const double first = at(kStep) - at(-kStep);
      const double second = at(2 * kStep) - at(-2 * kStep);
      const double third = at(3 * kStep) - at(-3 * kStep);
      gradients.back().push_back((45.0 * first - 9.0 * second + third) / (60.0 * kStep));
      value = centre;
      if (crossed) return std::nullopt;
    }
  }
  return gradients;
}

double gradient_error(const Gradients& numeric, const Gradients& analytic) {
  if (numeric.size() != analytic.size()) return std::numeric_limits<double>::quiet_NaN();
  double worst = 0.0;
  for (std::size_t p = 0; p < numeric.size(); ++p) {
    double difference = 0.0, sum = 0.0;
    for (std::size_t i = 0; i < numeric[p].size(); ++i) {
      difference += std::pow(numeric[p][i] - analytic[p][i], 2);
      sum += std::pow(numeric[p][i] + analytic[p][i], 2);
    }
    const double error = std::sqrt(difference / sum);
    if (!(error <= worst)) worst = error;
    if (std::isnan(worst)) return worst;
  }
  return worst;
}

}  // namespace lacuna::test
