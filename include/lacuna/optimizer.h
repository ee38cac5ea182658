#pragma once

#include <cstdint>
#include <string_view>

namespace lacuna {

enum class OptimizerKind : std::uint8_t { sgd, adam, lbfgs };

const char* to_string(OptimizerKind kind);
OptimizerKind parse_optimizer(std::string_view word);

/// How the learning rate changes with the step t. In all of them it rises first, in a straight line over `warmup`
/// steps.
///   constant  stays;
///   step      is multiplied by `factor` after every `every` steps;
///   cosine    falls along half a cosine, to `factor` times its value from step `total` + 1 on.
enum class ScheduleKind : std::uint8_t { constant, step, cosine };

const char* to_string(ScheduleKind kind);
ScheduleKind parse_schedule(std::string_view word);

struct Schedule {
  ScheduleKind kind = ScheduleKind::constant;
  std::int64_t warmup = 0;  ///< steps
  std::int64_t every = 1;   ///< steps
  std::int64_t total = 1;   ///< steps
  double factor = 0.0;      ///< in [0, 1]

  /// Throws InputError for negative steps or a factor outside [0, 1].
  void validate() const;
};

/// Formulas and defaults of torch.optim.SGD and torch.optim.Adam; weight decay enters through the gradient of
/// the objective, as there. lbfgs takes full batches and finds the length of each step by a line search: it has no
/// learning rate (docs/math.md).
struct Optimizer {
  OptimizerKind kind = OptimizerKind::adam;
  double learning_rate = 1e-3;
  double momentum = 0.0;  ///< sgd: velocity = momentum * velocity + gradient
  bool nesterov = false;  ///< sgd: step along gradient + momentum * velocity
  double beta1 = 0.9;     ///< adam
  double beta2 = 0.999;   ///< adam
  double epsilon = 1e-8;  ///< adam
  Schedule schedule = {};
  std::int64_t history = 10;  ///< lbfgs: pairs of steps and gradient changes remembered, 1 to 100

  /// Throws InputError for a learning rate that is not finite and positive, momentum outside [0, 1),
  /// nesterov without momentum, a history out of its range, or a schedule that does not validate.
  void validate() const;
  /// Slabs of optimizer state beside the parameters: 2 for adam, 1 for sgd with momentum, up to 2 * history for lbfgs,
  /// else 0.
  int moments() const;
};

}  // namespace lacuna
