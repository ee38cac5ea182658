#include <cmath>

#include "parity/operation_table.h"
#include "parity/plan_runner.h"
#include "reference/formulas.h"

namespace lacuna::test {
namespace {

using reference::Matrix;

Matrix magnitudes(Matrix m) {
  for (double& v : m.values) v = std::abs(v);
  return m;
}

struct ForwardVariant {
  bool bias = true;
  Activation activation = Activation::identity;
  bool sums = false, abs_sums = false;
  WeightLayout layout = WeightLayout::out_in;
};

Matrix in_memory(const Matrix& w, WeightLayout layout) {
  if (layout == WeightLayout::out_in) return w;
  Matrix turned(w.columns, w.rows);
  for (std::int64_t i = 0; i < w.rows; ++i)
    for (std::int64_t j = 0; j < w.columns; ++j) turned(j, i) = w(i, j);
  return turned;
}

std::vector<Compared> dense_forward(Backend& backend, const Sizes& s, Values values, const ForwardVariant& variant) {
  Operands operands(s, values);
  const double spread = std::sqrt(3.0 / static_cast<double>(s.inner));
  Matrix x = operands.matrix(s.rows, s.inner, -1.0, 1.0);
  const Matrix w = operands.matrix(s.columns, s.inner, -spread, spread);
  const std::vector<double> b =
      operands.saturated() ? operands.far_vector(s.columns, 15.0, 90.0) : operands.vector(s.columns, -0.5, 0.5);
  operands.plant_nan(x.values);

  PlanRunner runner(backend);
  DenseForward op;
  op.input = runner.matrix("x", x);
  op.weight = runner.matrix("w", in_memory(w, variant.layout));
  op.weight_layout = variant.layout;
  op.output = runner.result("output", {s.rows, s.columns});
  op.activation = variant.activation;
  if (variant.bias) op.bias = runner.vector("b", b);
  if (variant.sums) op.column_sums = runner.result("column_sums", {s.columns});
  if (variant.abs_sums) op.column_abs_sums = runner.result("column_abs_sums", {s.columns});
  runner.run(op);

  Matrix h = forward_product(x, w), bounds = forward_product(magnitudes(x), magnitudes(w));
  for (std::int64_t i = 0; i < s.rows; ++i)
    for (std::int64_t j = 0; j < s.columns; ++j) {
      const double bias = variant.bias ? b[static_cast<std::size_t>(j)] : 0.0;
      const double a = h(i, j) + bias;
      h(i, j) = reference::activate(variant.activation, a);
      bounds(i, j) = reference::activation_slope(variant.activation, a) * 4 * kUlp * (bounds(i, j) + std::abs(bias)) +
                     4 * kUlp * std::abs(h(i, j)) + kSmallestNormal;
    }
  std::vector<double> sums = column_sums(h), abs_sums = column_sums(magnitudes(h)), sum_bounds = column_sums(bounds);
  for (std::size_t j = 0; j < sum_bounds.size(); ++j) sum_bounds[j] += static_cast<double>(s.rows) * kUlp * abs_sums[j];
  if (!operands.saturated()) {
    bounds.values.clear();
    sum_bounds.clear();
  }
  std::vector<Compared> results{{"output", runner.read(op.output), h.values, bounds.values}};
  if (variant.sums) results.push_back({"column_sums", runner.read(op.column_sums), sums, sum_bounds});
  if (variant.abs_sums) results.push_back({"column_abs_sums", runner.read(op.column_abs_sums), abs_sums, sum_bounds});
  return results;
}

struct BackwardVariant {
  bool weight_gradient = true, input_gradient = true;
  WeightLayout layout = WeightLayout::out_in;
  bool accumulate = false;
};

std::vector<Compared> dense_backward(Backend& backend, const Sizes& s, Values values, const BackwardVariant& variant) {
  Operands operands(s, values);
  Matrix delta = operands.matrix(s.rows, s.columns, -1e-2, 1e-2);
  const Matrix x = operands.matrix(s.rows, s.inner, -0.2, 1.0);
  const Matrix w = operands.matrix(s.columns, s.inner, -0.1, 0.1);
  operands.plant_nan(delta.values);

  PlanRunner runner(backend);
  DenseBackward op;
  op.delta = runner.matrix("delta", delta);
  op.input = runner.matrix("x", x);
  op.weight = runner.matrix("w", in_memory(w, variant.layout));
  op.weight_layout = variant.layout;
  op.accumulate = variant.accumulate;
  // Of the product's size, so that leaving either out shows.
  Matrix before = operands.matrix(s.columns, s.inner, -1e-2, 1e-2);
  const Shape shape = variant.layout == WeightLayout::out_in ? Shape{s.columns, s.inner} : Shape{s.inner, s.columns};
  if (variant.weight_gradient)
    op.weight_gradient = variant.accumulate ? runner.matrix("weight_gradient", in_memory(before, variant.layout))
                                            : runner.result("weight_gradient", shape);
  if (variant.input_gradient) op.input_gradient = runner.result("input_gradient", {s.rows, s.inner});
  runner.run(op);

  std::vector<Compared> results;
  if (variant.weight_gradient) {
    Matrix expected = weight_product(delta, x);
    if (variant.accumulate)
      for (std::size_t i = 0; i < expected.values.size(); ++i) expected.values[i] += before.values[i];
    results.push_back({"weight_gradient", runner.read(op.weight_gradient), in_memory(expected, variant.layout).values});
  }
  if (variant.input_gradient)
    results.push_back({"input_gradient", runner.read(op.input_gradient), input_product(delta, w).values});
  return results;
}

}  // namespace

std::vector<OperationCase> dense_operations() {
  std::vector<OperationCase> rows;
  const auto add_forward = [&rows](const std::string& name, const ForwardVariant& variant, std::vector<Values> values) {
    rows.push_back(
        {"dense_forward_" + name, std::move(values),
         [variant](Backend& backend, const Sizes& s, Values v) { return dense_forward(backend, s, v, variant); },
         true});
  };
  add_forward("product", {.bias = false}, {Values::random, Values::zeros, Values::nan});
  for (Activation activation : {Activation::identity, Activation::sigmoid, Activation::relu})
    for (bool sums : {false, true})
      for (bool abs_sums : {false, true})
        add_forward(std::string(to_string(activation)) + (sums ? "_sums" : "") + (abs_sums ? "_abs_sums" : ""),
                    {.activation = activation, .sums = sums, .abs_sums = abs_sums},
                    {Values::random, Values::zeros, Values::saturated, Values::nan});
  add_forward("product_in_out", {.bias = false, .layout = WeightLayout::in_out}, {Values::random, Values::nan});
  add_forward("sigmoid_sums_in_out", {.activation = Activation::sigmoid, .sums = true, .layout = WeightLayout::in_out},
              {Values::random});
  const std::pair<const char*, BackwardVariant> backward[] = {
      {"dense_backward", {}},
      {"dense_backward_weight_only", {.input_gradient = false}},
      {"dense_backward_input_only", {.weight_gradient = false}},
      {"dense_backward_accumulate", {.accumulate = true}},
      {"dense_backward_in_out", {.layout = WeightLayout::in_out}},
      {"dense_backward_in_out_accumulate", {.layout = WeightLayout::in_out, .accumulate = true}},
  };
  for (const auto& [name, variant] : backward)
    rows.push_back({name,
                    {Values::random, Values::zeros, Values::nan},
                    [variant = variant](Backend& backend, const Sizes& s, Values v) {
                      return dense_backward(backend, s, v, variant);
                    },
                    true});
  return rows;
}

}  // namespace lacuna::test
