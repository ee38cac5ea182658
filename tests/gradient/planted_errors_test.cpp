// Each of these errors was found in an implementation that Lacuna replaces. The check by central differences must
// catch every one, or it would not be worth running.

#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "gradient/central_differences.h"
#include "reference/formulas.h"
#include "support/cases.h"
#include "support/random.h"

namespace lacuna::test {
namespace {

struct Setting {
  Objective objective;
  reference::Autoencoder network{make_network(5, {4}, {}, Activation::sigmoid, Activation::sigmoid)};
  reference::Matrix x;
  reference::Evaluation right, without_sparsity;

  Setting() {
    Random random(11);
    objective.weight_decay = 0.01;
    randomize(network, random);
    x = random.uniform_matrix(7, 5, 0.0, 1.0);
    right = evaluate(network, objective, x);
    Objective no_sparsity = objective;
    no_sparsity.sparsity = Sparsity::none;
    without_sparsity = evaluate(network, no_sparsity, x);
  }

  const reference::Matrix& code() const { return right.outputs[0]; }

  /// Gradients whose sparsity part is what a sparsity term of `delta(i, j)` on the encoder's pre-activations gives.
  Gradients with_sparsity_delta(const std::function<double(std::int64_t, std::int64_t)>& delta) const {
    Gradients gradients = without_sparsity.gradients;
    for (std::int64_t i = 0; i < x.rows; ++i)
      for (std::int64_t j = 0; j < code().columns; ++j) {
        for (std::int64_t k = 0; k < x.columns; ++k)
          gradients[0][static_cast<std::size_t>(j * x.columns + k)] += delta(i, j) * x(i, k);
        gradients[1][static_cast<std::size_t>(j)] += delta(i, j);
      }
    return gradients;
  }

  double sigmoid_slope(std::int64_t i, std::int64_t j) const { return code()(i, j) * (1.0 - code()(i, j)); }
  double penalty_slope(double mean) const {
    return objective.beta * reference::kl_slope(mean, objective.rho) / static_cast<double>(x.rows);
  }
};

struct PlantedError {
  const char* name;
  std::function<Gradients(const Setting&)> gradients;
};

Gradients kl_averaged_over_units(const Setting& s) {
  return s.with_sparsity_delta([&](std::int64_t i, std::int64_t j) {
    const double mean = reference::unit_means(s.code())[static_cast<std::size_t>(j)];
    return s.penalty_slope(mean) * s.sigmoid_slope(i, j) / static_cast<double>(s.code().columns);
  });
}

Gradients kl_without_activation_slope(const Setting& s) {
  return s.with_sparsity_delta([&](std::int64_t, std::int64_t j) {
    return s.penalty_slope(reference::unit_means(s.code())[static_cast<std::size_t>(j)]);
  });
}

Gradients means_over_units(const Setting& s) {
  return s.with_sparsity_delta([&](std::int64_t i, std::int64_t j) {
    double mean = 0.0;
    for (std::int64_t unit = 0; unit < s.code().columns; ++unit)
      mean += s.code()(i, unit) / static_cast<double>(s.code().columns);
    return s.penalty_slope(mean) * s.sigmoid_slope(i, j);
  });
}

Gradients biases_decayed(const Setting& s) {
  Gradients gradients = s.right.gradients;
  for (std::size_t l = 0; l < 2; ++l)
    for (std::size_t j = 0; j < gradients[2 * l + 1].size(); ++j)
      gradients[2 * l + 1][j] += s.objective.weight_decay * s.network.layers[l].bias[j];
  return gradients;
}

Gradients biases_not_trained(const Setting& s) {
  Gradients gradients = s.right.gradients;
  for (std::size_t l = 0; l < 2; ++l) gradients[2 * l + 1].assign(gradients[2 * l + 1].size(), 0.0);
  return gradients;
}

Gradients weights_not_decayed(const Setting& s) {
  Objective objective = s.objective;
  objective.weight_decay = 0.0;
  return evaluate(s.network, objective, s.x).gradients;
}

Gradients wrong_sigmoid_slope(const Setting& s) {
  return s.with_sparsity_delta([&](std::int64_t i, std::int64_t j) {
    const double a = s.right.pre_activations[0](i, j);
    const double mean = reference::unit_means(s.code())[static_cast<std::size_t>(j)];
    return s.penalty_slope(mean) * std::exp(-a) / (1.0 + std::exp(-2.0 * a));
  });
}

const PlantedError kErrors[] = {
    {"KlAveragedOverUnits", kl_averaged_over_units},
    {"KlWithoutActivationSlope", kl_without_activation_slope},
    {"MeansOverUnits", means_over_units},
    {"BiasesDecayed", biases_decayed},
    {"BiasesNotTrained", biases_not_trained},
    {"WeightsNotDecayed", weights_not_decayed},
    {"WrongSigmoidSlope", wrong_sigmoid_slope},
};

class EachError : public testing::TestWithParam<PlantedError> {};

TEST_P(EachError, IsCaught) {
  const Setting setting;
  const std::optional<Gradients> numeric = central_differences(setting.network, setting.objective, setting.x);
  ASSERT_TRUE(numeric);
  EXPECT_LT(gradient_error(*numeric, setting.right.gradients), 1e-9);
  EXPECT_GT(gradient_error(*numeric, GetParam().gradients(setting)), 1e-3);
}

INSTANTIATE_TEST_SUITE_P(Planted, EachError, testing::ValuesIn(kErrors),
                         [](const auto& instance) { return std::string(instance.param.name); });

TEST(PlantingErrors, CorrectSparsityPartIsRebuiltTheSameWay) {
  // The helper that plants errors gives the right gradients when nothing is planted.
  const Setting s;
  const Gradients rebuilt = s.with_sparsity_delta([&](std::int64_t i, std::int64_t j) {
    return s.penalty_slope(reference::unit_means(s.code())[static_cast<std::size_t>(j)]) * s.sigmoid_slope(i, j);
  });
  EXPECT_LT(gradient_error(rebuilt, s.right.gradients), 1e-14);
}

}  // namespace
}  // namespace lacuna::test
