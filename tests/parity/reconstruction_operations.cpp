#include <cmath>

#include "parity/operation_table.h"
#include "parity/plan_runner.h"
#include "reference/formulas.h"

namespace lacuna::test {
namespace {

using reference::Matrix;

/// Where the results go: delta over the product, as in training; output over the product, without gradients, as in
/// evaluation; each into its own buffer.
enum class Use { training, evaluation, separate };

struct Variant {
  Loss loss;
  Reduction reduction;
  Activation activation;
  Use use;
};

/// |error of y| and |error of delta / scale| that 4 ulp of a's two summands, of y and of the target x allow.
struct ErrorBounds {
  double y, delta;
};

ErrorBounds error_bounds(const Variant& variant, double product, double bias, double x) {
  const double a = product + bias, y = reference::activate(variant.activation, a);
  const double slope = reference::activation_slope(variant.activation, a);
  const double y_error = slope * 4 * kUlp * (std::abs(product) + std::abs(bias)) + 4 * kUlp * std::abs(y);
  const double x_error = 4 * kUlp * std::abs(x);
  const double delta = reference::element_slope(variant.loss, variant.activation, x, y, a);
  if (variant.loss == Loss::bce) return {y_error, y_error + x_error + 4 * kUlp * std::abs(delta)};
  // delta = c (y - x) s, where a sigmoid's slope is formed as s = y (1 - y)
  const double slope_error = variant.activation == Activation::sigmoid ? std::abs(1 - 2 * y) * y_error : 0.0;
  const double c = variant.loss == Loss::squared ? 2.0 : 1.0;
  return {y_error, c * (slope * (y_error + x_error) + std::abs(y - x) * slope_error) + 4 * kUlp * std::abs(delta)};
}

std::vector<Compared> reconstruction(Backend& backend, const Sizes& s, Values values, const Variant& variant) {
  Operands operands(s, values);
  Matrix product = operands.matrix(s.rows, s.columns, -2.0, 2.0);
  const std::vector<double> bias =
      operands.saturated() ? operands.far_vector(s.columns, 12.0, 90.0) : operands.vector(s.columns, -0.5, 0.5);
  Matrix target = operands.matrix(s.rows, s.columns, 0.0, 1.0);
  for (std::size_t i = 0; i < target.values.size(); i += 3) target.values[i] = i % 2 ? 1.0 : 0.0;
  operands.plant_nan(product.values);
  const std::int64_t samples = 2 * s.rows;  // as if the other half of the batch were on another device

  PlanRunner runner(backend);
  const Shape shape{s.rows, s.columns};
  Reconstruction op;
  op.product = runner.matrix("product", product);
  op.bias = runner.vector("bias", bias);
  op.activation = variant.activation;
  op.target = runner.matrix("target", target);
  op.loss = variant.loss;
  op.reduction = variant.reduction;
  op.scalars = runner.scalars({.sample_count = static_cast<float>(samples)});
  op.value = runner.result_value("value");
  if (variant.use == Use::training) op.delta = op.product;
  if (variant.use == Use::evaluation) op.output = op.product;
  if (variant.use == Use::separate) {
    op.delta = runner.result("delta", shape);
    op.output = runner.result("output", shape);
  }
  if (op.delta != kNoBuffer) op.bias_gradient = runner.result("bias_gradient", {s.columns});
  runner.run(op);

  const double scale = reference::reduction_scale(variant.reduction, samples, s.columns);
  double value = 0.0;
  Matrix y(s.rows, s.columns), delta = y, y_bounds = y, delta_bounds = y, delta_magnitudes = y;
  for (std::int64_t i = 0; i < s.rows; ++i)
    for (std::int64_t j = 0; j < s.columns; ++j) {
      const double b = bias[static_cast<std::size_t>(j)], a = product(i, j) + b, x = target(i, j);
      y(i, j) = reference::activate(variant.activation, a);
      value += scale * reference::element_loss(variant.loss, x, y(i, j), a);
      delta(i, j) = scale * reference::element_slope(variant.loss, variant.activation, x, y(i, j), a);
      delta_magnitudes(i, j) = std::abs(delta(i, j));
      const ErrorBounds errors = error_bounds(variant, product(i, j), b, x);
      y_bounds(i, j) = errors.y + kSmallestNormal;
      delta_bounds(i, j) = scale * errors.delta + kSmallestNormal;
    }
  std::vector<double> sum_bounds = column_sums(delta_bounds);
  const std::vector<double> magnitudes = column_sums(delta_magnitudes);
  for (std::size_t j = 0; j < sum_bounds.size(); ++j)
    sum_bounds[j] += static_cast<double>(s.rows) * kUlp * magnitudes[j];
  if (!operands.saturated()) {
    y_bounds.values.clear();
    delta_bounds.values.clear();
    sum_bounds.clear();
  }

  std::vector<Compared> results{{"value", runner.read(op.value), {value}}};
  if (op.output != kNoBuffer) results.push_back({"output", runner.read(op.output), y.values, y_bounds.values});
  if (op.delta != kNoBuffer) {
    results.push_back({"delta", runner.read(op.delta), delta.values, delta_bounds.values});
    results.push_back({"bias_gradient", runner.read(op.bias_gradient), column_sums(delta), sum_bounds});
  }
  return results;
}

}  // namespace

std::vector<OperationCase> reconstruction_operations() {
  std::vector<OperationCase> rows;
  const std::pair<Use, const char*> uses[] = {
      {Use::training, "training"}, {Use::evaluation, "evaluation"}, {Use::separate, "separate"}};
  for (Loss loss : {Loss::squared, Loss::half_squared, Loss::bce})
    for (Activation activation : {Activation::identity, Activation::sigmoid, Activation::relu})
      for (Reduction reduction : {Reduction::sum, Reduction::sample, Reduction::element})
        for (const auto& [use, use_name] : uses) {
          if (loss == Loss::bce && activation != Activation::sigmoid) continue;
          const Variant variant{loss, reduction, activation, use};
          rows.push_back({std::string("reconstruction_") + to_string(loss) + "_" + to_string(activation) + "_" +
                              to_string(reduction) + "_" + use_name,
                          {Values::random, Values::zeros, Values::saturated, Values::nan},
                          [variant](Backend& backend, const Sizes& s, Values v) {
                            return reconstruction(backend, s, v, variant);
                          }});
        }
  return rows;
}

}  // namespace lacuna::test
