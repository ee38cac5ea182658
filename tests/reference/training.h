#pragma once

#include <vector>

#include "lacuna/optimizer.h"
#include "reference/autoencoder.h"

namespace lacuna::reference {

/// Training in double precision with the formulas of torch.optim.SGD and torch.optim.Adam, and the schedule of the
/// learning rate. Weight decay is part of the gradient.
class Training {
 public:
  Training(Autoencoder start, const Objective& objective, const Optimizer& optimizer);

  /// One update on a batch [M, D]. Returns J and the gradients before it.
  Evaluation step(const Matrix& batch, const Given& given = {});
  /// One update per batch, in the order given.
  std::vector<Evaluation> train(const std::vector<Matrix>& batches);

  const Autoencoder& network() const { return network_; }

 private:
  void update(std::vector<double>& parameter, const std::vector<double>& gradient, std::vector<double>& first,
              std::vector<double>& second) const;

  Autoencoder network_;
  Objective objective_;
  Optimizer optimizer_;
  std::vector<std::vector<double>> first_, second_;  ///< velocity, or exp_avg and exp_avg_sq
  int steps_ = 0;
};

}  // namespace lacuna::reference
