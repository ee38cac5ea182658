#pragma once

#include <cstdint>
#include <string_view>

namespace lacuna {

enum class OptimizerKind : std::uint8_t { sgd, adam, lbfgs };

const char* to_string(OptimizerKind kind);
OptimizerKind parse_optimizer(std::string_view word);

/// Formulas and defaults of torch.optim.SGD and torch.optim.Adam; weight decay enters through the gradient of
/// the objective, as there. lbfgs is named but not built yet.
struct Optimizer {
  OptimizerKind kind = OptimizerKind::adam;
  double learning_rate = 1e-3;
  double momentum = 0.0;  ///< sgd: velocity = momentum * velocity + gradient
  bool nesterov = false;  ///< sgd: step along gradient + momentum * velocity
  double beta1 = 0.9;     ///< adam
  double beta2 = 0.999;   ///< adam
  double epsilon = 1e-8;  ///< adam

  /// Throws InputError for a learning rate that is not finite and positive, momentum outside [0, 1),
  /// nesterov without momentum, or an optimizer that is not built yet.
  void validate() const;
  /// Slabs of optimizer state beside the parameters: 2 for adam, 1 for sgd with momentum, else 0.
  int moments() const;
};

}  // namespace lacuna
