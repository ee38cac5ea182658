#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "lacuna/network.h"
#include "lacuna/objective.h"
#include "reference/matrix.h"

/// The mathematics of docs/math.md in double precision, loop by loop: what every backend is held against. It shares
/// only the plain option structs with the library, none of its formulas. It is itself checked by central differences
/// (tests/gradient) and by values from PyTorch (tests/golden).
namespace lacuna::reference {

/// y = activation(x W^T + b), or with a convolution in place of the product. A k-sparse layer keeps the largest of y.
struct ReferenceLayer {
  Matrix weight;             ///< [out, in]; a convolution's first extent by all others; empty where it is tied
  std::vector<double> bias;  ///< [out], or [channels]
  Activation activation = Activation::sigmoid;
  std::optional<Convolution> convolution = {};
  std::int64_t positions = 1;               ///< outputs that share a bias and count as one unit
  std::int64_t kept = 0;                    ///< 0: all
  std::optional<std::size_t> tied_to = {};  ///< the layer whose transposed weight this one uses
};

/// An autoencoder, or a classifier.
struct Autoencoder {
  std::vector<ReferenceLayer> layers;  ///< encoder, then decoder or classifier
  std::size_t encoder_layers = 1;      ///< the code is the output of the last of these
  bool classifies = false;

  /// Shapes and activations of `network`, all parameters zero.
  explicit Autoencoder(const Network& network);
  /// weight, bias, weight, bias, ... in layer order, without tied weights: those of ParameterLayout that own storage.
  std::vector<std::vector<double>*> parameters();
  std::vector<const std::vector<double>*> parameters() const;
  /// [out, in], of a tied layer too.
  Matrix weight(std::size_t layer) const;
};

/// What a step is given beside its batch.
struct Given {
  std::vector<std::int32_t> labels = {};  ///< [M], of a classifier
  Matrix noisy = {};                      ///< [M, D]: what enters the first layer in place of the batch; empty: itself
  std::vector<Matrix> dropout = {};       ///< [M, out] for each hidden layer: factors on what leaves it; empty: none
  std::int64_t kept = 0;                  ///< units that a k-sparse layer keeps in this step; 0: ReferenceLayer::kept
};

struct Evaluation {
  double reconstruction = 0;  ///< of a classifier the cross-entropy
  double sparsity = 0, weight_decay = 0;
  double mean_activation = 0;
  double correct = 0;                          ///< samples whose most probable class is their label
  std::vector<Matrix> inputs;                  ///< per layer [M, in]: what entered it
  std::vector<Matrix> pre_activations;         ///< per layer [M, out]
  std::vector<Matrix> outputs;                 ///< per layer [M, out]
  std::vector<bool> kept;                      ///< of the elements of the code, if it is k-sparse
  std::vector<std::vector<double>> gradients;  ///< of J, in the order of parameters()

  double total() const { return reconstruction + sparsity + weight_decay; }
};

/// J, its terms, and the gradients of all parameters on one batch x [M, D].
Evaluation evaluate(const Autoencoder& network, const Objective& objective, const Matrix& x, const Given& given = {});
/// The same without the gradients.
Evaluation evaluate_forward(const Autoencoder& network, const Objective& objective, const Matrix& x,
                            const Given& given = {});

/// Mean over the samples, and over the positions, of each unit of h [M, units * positions].
std::vector<double> unit_means(const Matrix& h, std::int64_t positions = 1);
}  // namespace lacuna::reference
