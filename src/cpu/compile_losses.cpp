// The terms of the objective.

#include "cpu/compiler.h"
#include "lacuna/math/penalty.h"

namespace lacuna::cpu {

void Compiler::operator()(const Reconstruction& op) {
  const Shape& product = shape(op.product);
  push([f = k.reconstruction, loss = op.loss, activation = op.activation,
        a = ReconstructionArgs{at(op.product), at(op.bias), at(op.target), product[0], product[1], op.reduction,
                               scalars(op.scalars), at(op.delta), at(op.output), at(op.bias_gradient),
                               at<double>(op.value), partials, value_partials, program.threads}] {
    f(loss, activation, a);
  });
}

void Compiler::operator()(const Softmax& op) {
  const Shape& logits = shape(op.logits);
  push([f = k.softmax,
        a = SoftmaxArgs{at(op.logits), at(op.bias), nullptr, logits[0], logits[1], nullptr, nullptr, at(op.logits),
                        nullptr, nullptr, nullptr, partials, value_partials, program.threads}] { f(a); });
}

void Compiler::operator()(const SoftmaxCrossEntropy& op) {
  const Shape& product = shape(op.product);
  push([f = k.softmax,
        a = SoftmaxArgs{at(op.product), at(op.bias), at<std::int32_t>(op.labels), product[0], product[1],
                        scalars(op.scalars), at(op.delta), at(op.output), at(op.bias_gradient), at<double>(op.value),
                        at<double>(op.correct), partials, value_partials, program.threads}] { f(a); });
}

void Compiler::operator()(const SparsityPenalty& op) {
  const std::int64_t units = shape(op.column_sums)[0];
  push([op, units, sums = at(op.column_sums), abs_sums = at(op.column_abs_sums), c = scalars(op.scalars),
        gradient = at(op.column_gradient), value = at<double>(op.value), mean = at<double>(op.mean_activation)] {
    const double samples = c->sample_count, values = samples * static_cast<double>(op.positions);
    double penalty = 0, activation = 0;
    for (std::int64_t j = 0; j < units; ++j) {
      const double rho_hat = static_cast<double>(sums[j]) / values;
      activation += rho_hat;
      if (op.kind == Sparsity::kl) {
        penalty += op.beta * math::KlPenalty::value(op.rho, rho_hat);
        if (gradient) gradient[j] = static_cast<float>(op.beta / values * math::KlPenalty::derivative(op.rho, rho_hat));
      } else if (op.kind == Sparsity::l1) {
        penalty += op.l1 / samples * static_cast<double>(abs_sums[j]);
      }
    }
    *value = penalty;
    *mean = activation / static_cast<double>(units);
  });
}

}  // namespace lacuna::cpu
