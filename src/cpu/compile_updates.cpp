// What reads and writes whole slabs.

#include "cpu/compiler.h"

namespace lacuna::cpu {

void Compiler::operator()(const UpdateParameters& op) {
  const auto& ranges = program.ranges.emplace_back(op.ranges);
  push([f = k.update, optimizer = op.optimizer,
        a = UpdateArgs{at(op.parameters), at(op.gradients), at(op.moment1), at(op.moment2), ranges.data(),
                       static_cast<std::int64_t>(ranges.size()), nullptr, scalars(op.scalars), op.weight_decay,
                       at<double>(op.value), value_partials, program.threads}] {
    UpdateArgs args = a;
    args.optimizer = &optimizer;
    f(args);
  });
}

void Compiler::operator()(const DecayGradients& op) {
  const auto& ranges = program.ranges.emplace_back(op.ranges);
  push([f = k.decay_gradients, a = UpdateArgs{at(op.parameters), at(op.gradients), nullptr, nullptr, ranges.data(),
                                              static_cast<std::int64_t>(ranges.size()), nullptr, nullptr,
                                              op.weight_decay, at<double>(op.value), value_partials, program.threads}] {
    f(a);
  });
}

void Compiler::operator()(const Dots& op) {
  std::vector<const float*> left, right;
  for (BufferId id : op.left) left.push_back(at(id));
  for (BufferId id : op.right) right.push_back(at(id));
  push([f = k.dots, left, right, n = shape(op.left[0]).elements(), values = at<double>(op.values),
        partial = value_partials, threads = program.threads] {
    f({left.data(), static_cast<std::int64_t>(left.size()), right.data(), static_cast<std::int64_t>(right.size()), n,
       values, partial, threads});
  });
}

void Compiler::operator()(const Combine& op) {
  std::vector<const float*> vectors;
  for (BufferId id : op.vectors) vectors.push_back(at(id));
  push([f = k.combine, vectors, coefficients = at<double>(op.coefficients), n = shape(op.output).elements(),
        output = at(op.output), threads = program.threads] {
    f({vectors.data(), coefficients, static_cast<std::int64_t>(vectors.size()), n, output, threads});
  });
}

}  // namespace lacuna::cpu
