#pragma once

#include <cstdint>
#include <string_view>

#include "lacuna/network.h"

namespace lacuna {

/// Reconstruction loss of one element: (x-y)^2, (x-y)^2/2, or binary cross-entropy from the logit of y.
enum class Loss : std::uint8_t { squared, half_squared, bce };

/// How element losses become one number: sum over everything; sum over features and mean over samples;
/// mean over everything.
enum class Reduction : std::uint8_t { sum, sample, element };

/// Penalty on the code layer. kl: beta * sum over units of KL(rho || mean activation over the samples);
/// l1: l1 * mean over samples of sum |h|. topk: no penalty, the code layer itself keeps the largest (Layer::kept).
enum class Sparsity : std::uint8_t { none, kl, l1, topk };

const char* to_string(Loss loss);
const char* to_string(Reduction reduction);
const char* to_string(Sparsity sparsity);
/// Inverse of to_string. Throws InputError naming the word and the accepted ones.
Loss parse_loss(std::string_view word);
Reduction parse_reduction(std::string_view word);
Sparsity parse_sparsity(std::string_view word);

/// J = R(x, y) + S(h) + weight_decay/2 * sum of squared weights (docs/math.md). Biases do not decay.
struct Objective {
  Loss loss = Loss::half_squared;
  Reduction reduction = Reduction::sample;
  Sparsity sparsity = Sparsity::kl;
  double rho = 0.1;            ///< kl: wanted mean activation, in (0, 1)
  double beta = 3.0;           ///< kl: weight of the penalty, >= 0
  double l1 = 1e-3;            ///< l1: weight of the penalty, >= 0
  double weight_decay = 1e-3;  ///< lambda, >= 0

  /// Throws InputError if a number is out of range or the objective does not fit the network: kl needs a
  /// sigmoid code, bce a sigmoid output, topk a code layer with Layer::kept. A classifier's only terms are its
  /// cross-entropy and the weight decay.
  void validate(const Network& network) const;
};

}  // namespace lacuna
