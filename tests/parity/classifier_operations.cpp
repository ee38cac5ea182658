#include <algorithm>
#include <cmath>

#include "parity/operation_table.h"
#include "parity/plan_runner.h"
#include "reference/formulas.h"

namespace lacuna::test {
namespace {

using reference::Matrix;

/// Product and bias of a layer, and what the softmax of their sum must be.
struct Logits {
  Matrix product;
  std::vector<double> bias;
  Matrix probability;
  /// What 4 ulp of the summands, of their differences and of the row's sum allow.
  Matrix bounds;
};

Logits make_logits(Operands& operands, const Sizes& s) {
  Logits l{operands.matrix(s.rows, s.columns, -2.0, 2.0),
           operands.saturated() ? operands.far_vector(s.columns, 15.0, 60.0) : operands.vector(s.columns, -0.5, 0.5),
           Matrix(s.rows, s.columns), Matrix(s.rows, s.columns)};
  operands.plant_nan(l.product.values);
  for (std::int64_t i = 0; i < s.rows; ++i) {
    std::vector<double> z;
    double largest = 0.0;
    for (std::int64_t j = 0; j < s.columns; ++j) {
      const double b = l.bias[static_cast<std::size_t>(j)];
      z.push_back(l.product(i, j) + b);
      largest = std::max(largest, std::abs(l.product(i, j)) + std::abs(b));
    }
    const std::vector<double> p = reference::softmax(z);
    for (std::int64_t j = 0; j < s.columns; ++j) {
      l.probability(i, j) = p[static_cast<std::size_t>(j)];
      const double relative = kUlp * (4.0 * 2.0 * largest + std::sqrt(static_cast<double>(s.columns)) + 8.0);
      l.bounds(i, j) = l.probability(i, j) * relative + 2.0 * kSmallestNormal;
    }
  }
  return l;
}

std::vector<Compared> softmax(Backend& backend, const Sizes& s, Values values) {
  Operands operands(s, values);
  const Logits logits = make_logits(operands, s);
  PlanRunner runner(backend);
  Softmax op;
  op.logits = runner.matrix("logits", logits.product);
  op.bias = runner.vector("bias", logits.bias);
  runner.run(op);
  return {{"probabilities", runner.read(op.logits), logits.probability.values,
           operands.saturated() ? logits.bounds.values : std::vector<double>{}}};
}

/// Whether the label's z is the largest and the first of its size. As floats add: which sums are equal depends on it.
bool is_first_largest(const Matrix& product, const std::vector<double>& bias, std::int64_t row, std::int64_t label) {
  const auto z = [&](std::int64_t j) {
    return static_cast<float>(product(row, j)) + static_cast<float>(bias[static_cast<std::size_t>(j)]);
  };
  for (std::int64_t j = 0; j < product.columns; ++j)
    if (!(j < label ? z(j) < z(label) : z(j) <= z(label))) return false;
  return true;
}

/// Where the results go: delta over the product, as in training; output over the product, without gradients, as in
/// evaluation; each into its own buffer.
enum class Use { training, evaluation, separate };

std::vector<Compared> softmax_cross_entropy(Backend& backend, const Sizes& s, Values values, Use use) {
  Operands operands(s, values);
  const Logits logits = make_logits(operands, s);
  std::vector<std::int32_t> labels;
  for (std::int64_t i = 0; i < s.rows; ++i) labels.push_back(static_cast<std::int32_t>((i * 7 + 3) % s.columns));
  const double samples = 2.0 * static_cast<double>(s.rows);  // as if the other half were on another device

  PlanRunner runner(backend);
  const Shape shape{s.rows, s.columns};
  SoftmaxCrossEntropy op;
  op.product = runner.matrix("product", logits.product);
  op.bias = runner.vector("bias", logits.bias);
  op.labels = runner.integers("labels", labels);
  op.scalars = runner.scalars({.sample_count = static_cast<float>(samples)});
  op.value = runner.result_value("value");
  if (use != Use::separate) op.correct = runner.result_value("correct");
  if (use == Use::training) op.delta = op.product;
  if (use == Use::evaluation) op.output = op.product;
  if (use == Use::separate) {
    op.delta = runner.result("delta", shape);
    op.output = runner.result("output", shape);
  }
  if (op.delta != kNoBuffer) op.bias_gradient = runner.result("bias_gradient", {s.columns});
  runner.run(op);

  double value = 0.0, correct = 0.0;
  Matrix delta = logits.probability, delta_bounds = logits.bounds, magnitudes(s.rows, s.columns);
  for (std::int64_t i = 0; i < s.rows; ++i) {
    const std::int64_t label = labels[static_cast<std::size_t>(i)];
    std::vector<double> z;
    for (std::int64_t j = 0; j < s.columns; ++j) {
      z.push_back(logits.product(i, j) + logits.bias[static_cast<std::size_t>(j)]);
      delta(i, j) = (delta(i, j) - (j == label ? 1.0 : 0.0)) / samples;
      delta_bounds(i, j) = (delta_bounds(i, j) + kUlp) / samples;
      magnitudes(i, j) = std::abs(delta(i, j));
    }
    correct += is_first_largest(logits.product, logits.bias, i, label) ? 1.0 : 0.0;
    value += reference::cross_entropy(z, static_cast<std::size_t>(label)) / samples;
  }
  std::vector<double> sum_bounds = column_sums(delta_bounds);
  const std::vector<double> sizes = column_sums(magnitudes);
  for (std::size_t j = 0; j < sum_bounds.size(); ++j) sum_bounds[j] += static_cast<double>(s.rows) * kUlp * sizes[j];

  std::vector<Compared> results{{"value", runner.read(op.value), {value}}};
  const bool bounded = operands.saturated();
  if (op.correct != kNoBuffer) results.push_back(exactly("correct", runner.read(op.correct), {correct}));
  if (op.output != kNoBuffer)
    results.push_back({"output", runner.read(op.output), logits.probability.values,
                       bounded ? logits.bounds.values : std::vector<double>{}});
  if (op.delta != kNoBuffer) {
    results.push_back(
        {"delta", runner.read(op.delta), delta.values, bounded ? delta_bounds.values : std::vector<double>{}});
    // Its terms cancel, so no relative bound on the sums could hold.
    results.push_back({"bias_gradient", runner.read(op.bias_gradient), column_sums(delta), sum_bounds});
  }
  return results;
}

}  // namespace

std::vector<OperationCase> classifier_operations() {
  const std::vector<Values> all{Values::random, Values::zeros, Values::saturated, Values::nan};
  std::vector<OperationCase> rows{{"softmax", all, softmax}};
  const std::pair<Use, const char*> uses[] = {
      {Use::training, "training"}, {Use::evaluation, "evaluation"}, {Use::separate, "separate"}};
  for (const auto& [use, name] : uses)
    rows.push_back(
        {std::string("softmax_cross_entropy_") + name, all, [use = use](Backend& backend, const Sizes& s, Values v) {
           return softmax_cross_entropy(backend, s, v, use);
         }});
  return rows;
}

}  // namespace lacuna::test
