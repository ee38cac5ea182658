#include "reference/training.h"

#include <cmath>
#include <utility>

#include "reference/formulas.h"

namespace lacuna::reference {

Training::Training(Autoencoder start, const Objective& objective, const Optimizer& optimizer)
    : network_(std::move(start)), objective_(objective), optimizer_(optimizer) {
  for (const std::vector<double>* parameter : std::as_const(network_).parameters())
    first_.emplace_back(parameter->size(), 0.0);
  second_ = first_;
}

Evaluation Training::step(const Matrix& batch, const Given& given) {
  Evaluation result = evaluate(network_, objective_, batch, given);
  ++steps_;
  const std::vector<std::vector<double>*> parameters = network_.parameters();
  for (std::size_t p = 0; p < parameters.size(); ++p)
    update(*parameters[p], result.gradients[p], first_[p], second_[p]);
  return result;
}

std::vector<Evaluation> Training::train(const std::vector<Matrix>& batches) {
  std::vector<Evaluation> results;
  for (const Matrix& batch : batches) results.push_back(step(batch));
  return results;
}

void Training::update(std::vector<double>& parameter, const std::vector<double>& gradient, std::vector<double>& first,
                      std::vector<double>& second) const {
  const Optimizer& o = optimizer_;
  const double rate = o.learning_rate * schedule_factor(o.schedule, steps_);
  for (std::size_t i = 0; i < parameter.size(); ++i) {
    const double g = gradient[i];
    if (o.kind == OptimizerKind::adam) {
      first[i] = o.beta1 * first[i] + (1.0 - o.beta1) * g;
      second[i] = o.beta2 * second[i] + (1.0 - o.beta2) * g * g;
      const double mean = first[i] / (1.0 - std::pow(o.beta1, steps_));
      const double variance = second[i] / (1.0 - std::pow(o.beta2, steps_));
      parameter[i] -= rate * mean / (std::sqrt(variance) + o.epsilon);
    } else {
      first[i] = o.momentum * first[i] + g;
      parameter[i] -= rate * (o.nesterov ? g + o.momentum * first[i] : first[i]);
    }
  }
}

}  // namespace lacuna::reference
