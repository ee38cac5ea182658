#pragma once

#include <cmath>
#include <cstdint>
#include <numbers>
#include <random>

#include "reference/autoencoder.h"

namespace lacuna::test {

/// Numbers for tests: the same on every machine for the same seed, and not from the generator under test.
class Random {
 public:
  explicit Random(std::uint64_t seed) : engine_(seed) {}

  double uniform(double low, double high) {
    return low + (high - low) * static_cast<double>(engine_() >> 11) * 0x1p-53;
  }
  double normal(double sigma) {
    const double radius = std::sqrt(-2.0 * std::log(1.0 - uniform(0, 1)));
    return sigma * radius * std::cos(2.0 * std::numbers::pi * uniform(0, 1));
  }

  reference::Matrix uniform_matrix(std::int64_t rows, std::int64_t columns, double low, double high) {
    reference::Matrix matrix(rows, columns);
    for (double& value : matrix.values) value = uniform(low, high);
    return matrix;
  }

 private:
  std::mt19937_64 engine_;
};

/// Weights N(0, 1/fan_in) and biases U(-0.3, 0.3): every unit has something to do, and no bias is zero.
inline void randomize(reference::Autoencoder& network, Random& random) {
  for (reference::ReferenceLayer& layer : network.layers) {
    const double sigma = 1.0 / std::sqrt(static_cast<double>(layer.weight.columns));
    for (double& w : layer.weight.values) w = random.normal(sigma);
    for (double& b : layer.bias) b = random.uniform(-0.3, 0.3);
  }
}

}  // namespace lacuna::test
