#include "gradient/central_differences.h"

#include <cmath>
#include <limits>
#include <stdexcept>

#include "support/random.h"

namespace lacuna::test {
namespace {

constexpr double kStep = 0x1p-7;

/// On which side of its kinks J is evaluated.
std::vector<bool> sides_of_kinks(const reference::Autoencoder& network, const Objective& objective,
                                 const reference::Evaluation& evaluation) {
  std::vector<bool> sides = evaluation.kept;
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
                                             const reference::Matrix& x, const reference::Given& given) {
  const std::vector<bool> sides = sides_of_kinks(network, objective, evaluate_forward(network, objective, x, given));
  bool crossed = false;
  reference::Autoencoder moved = network;
  Gradients gradients;
  for (std::vector<double>* parameter : moved.parameters()) {
    gradients.emplace_back();
    for (double& value : *parameter) {
      const double centre = value;
      const auto at = [&](double offset) {
        value = centre + offset;
        const reference::Evaluation evaluation = evaluate_forward(moved, objective, x, given);
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

Point smooth_point(const Network& shape, const Objective& objective, std::int64_t samples,
                   const reference::Given& given) {
  for (std::uint64_t seed = 1; seed <= 1000; ++seed) {
    Random random(seed);
    Point point{reference::Autoencoder(shape), random.uniform_matrix(samples, shape.features(), 0.0, 1.0), {}};
    randomize(point.network, random);
    const reference::Evaluation here = evaluate(point.network, objective, point.x, given);
    bool every_tensor_matters = true;
    for (const std::vector<double>& gradient : here.gradients) {
      double norm = 0.0;
      for (double g : gradient) norm += g * g;
      every_tensor_matters = every_tensor_matters && norm > 0.0;
    }
    if (!every_tensor_matters) continue;  // all units of a relu layer are off
    if (std::optional<Gradients> numeric = central_differences(point.network, objective, point.x, given)) {
      point.numeric = std::move(*numeric);
      return point;
    }
  }
  throw std::runtime_error("no smooth point found");
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
