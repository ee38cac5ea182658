#pragma once

#include <cstddef>
#include <vector>

#include "lacuna/network.h"
#include "lacuna/objective.h"
#include "reference/matrix.h"

/// The mathematics of docs/math.md in double precision, loop by loop: what every backend is held against. It shares
/// only the plain option structs with the library, none of its formulas. It is itself checked by central differences
/// (tests/gradient) and by values from PyTorch (tests/golden).
namespace lacuna::reference {

/// y = activation(x W^T + b)
struct DenseLayer {
  Matrix weight;             ///< [out, in]
  std::vector<double> bias;  ///< [out]
  Activation activation = Activation::sigmoid;
};

struct Autoencoder {
  std::vector<DenseLayer> layers;  ///< encoder, then decoder
  std::size_t encoder_layers = 1;  ///< the code is the output of the last of these

  /// Shapes and activations of `network`, all parameters zero.
  explicit Autoencoder(const Network& network);
  /// weight, bias, weight, bias, ... in layer order: the order of ParameterLayout.
  std::vector<std::vector<double>*> parameters();
  std::vector<const std::vector<double>*> parameters() const;
};

struct Evaluation {
  double reconstruction = 0, sparsity = 0, weight_decay = 0;
  double mean_activation = 0;
  std::vector<Matrix> pre_activations;         ///< per layer [M, out]
  std::vector<Matrix> outputs;                 ///< per layer [M, out]
  std::vector<std::vector<double>> gradients;  ///< of J, in the order of parameters()

  double total() const { return reconstruction + sparsity + weight_decay; }
};

/// J, its terms, and the gradients of all parameters on one batch x [M, D].
Evaluation evaluate(const Autoencoder& network, const Objective& objective, const Matrix& x);
/// The same without the gradients.
Evaluation evaluate_forward(const Autoencoder& network, const Objective& objective, const Matrix& x);

/// Mean over the samples of each column of h [M, H].
std::vector<double> column_means(const Matrix& h);
}  // namespace lacuna::reference
