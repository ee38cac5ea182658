// What follows a convolution, and what leads from columns to channels and back.

#include <cmath>

#include "parity/operation_table.h"
#include "parity/plan_runner.h"
#include "reference/formulas.h"

namespace lacuna::test {
namespace {

using reference::Matrix;

std::vector<Compared> spread_channels(Backend& backend, const Sizes& s, Values values) {
  Operands operands(s, values);
  std::vector<double> channels = operands.vector(s.rows, -1.0, 1.0);
  operands.plant_nan(channels);
  PlanRunner runner(backend);
  SpreadChannels op;
  op.channels = runner.vector("channels", channels);
  op.columns = runner.result("columns", {s.rows * s.columns});
  runner.run(op);
  std::vector<double> expected;
  for (double channel : channels) expected.insert(expected.end(), static_cast<std::size_t>(s.columns), channel);
  return {exactly("columns", runner.read(op.columns), expected)};
}

std::vector<Compared> sum_channels(Backend& backend, const Sizes& s, Values values) {
  Operands operands(s, values);
  std::vector<double> columns = operands.vector(s.rows * s.columns, -1.0, 1.0);
  operands.plant_nan(columns);
  PlanRunner runner(backend);
  SumChannels op;
  op.columns = runner.vector("columns", columns);
  op.channels = runner.result("channels", {s.rows});
  runner.run(op);
  std::vector<double> expected(static_cast<std::size_t>(s.rows)), bounds;
  for (std::size_t i = 0; i < columns.size(); ++i) expected[i / static_cast<std::size_t>(s.columns)] += columns[i];
  // Sums are in double, and rounded once.
  for (double sum : expected) bounds.push_back(kUlp * std::abs(sum) + 1e-12);
  return {{"channels", runner.read(op.channels), expected, bounds}};
}

std::vector<Compared> bias_activation(Backend& backend, const Sizes& s, Values values, Activation activation,
                                      bool sums) {
  Operands operands(s, values);
  Matrix a = operands.matrix(s.rows, s.columns, -1.0, 1.0);
  const std::vector<double> bias =
      operands.saturated() ? operands.far_vector(s.columns, 15.0, 90.0) : operands.vector(s.columns, -0.5, 0.5);
  operands.plant_nan(a.values);
  PlanRunner runner(backend);
  BiasActivation op;
  op.values = runner.matrix("values", a);
  op.bias = runner.vector("bias", bias);
  op.activation = activation;
  if (sums) {
    op.column_sums = runner.result("column_sums", {s.columns});
    op.column_abs_sums = runner.result("column_abs_sums", {s.columns});
  }
  runner.run(op);

  Matrix h(s.rows, s.columns), bounds(s.rows, s.columns), magnitudes(s.rows, s.columns);
  for (std::int64_t i = 0; i < s.rows; ++i)
    for (std::int64_t j = 0; j < s.columns; ++j) {
      const double b = bias[static_cast<std::size_t>(j)], z = a(i, j) + b;
      h(i, j) = reference::activate(activation, z);
      magnitudes(i, j) = std::abs(h(i, j));
      bounds(i, j) = reference::activation_slope(activation, z) * 4 * kUlp * (std::abs(a(i, j)) + std::abs(b)) +
                     4 * kUlp * std::abs(h(i, j)) + kSmallestNormal;
    }
  std::vector<Compared> results{{"values", runner.read(op.values), h.values, bounds.values}};
  if (!sums) return results;
  std::vector<double> sum_bounds = column_sums(bounds), sizes = column_sums(magnitudes);
  for (std::size_t j = 0; j < sizes.size(); ++j) sum_bounds[j] += static_cast<double>(s.rows) * kUlp * sizes[j];
  results.push_back({"column_sums", runner.read(op.column_sums), column_sums(h), sum_bounds});
  results.push_back({"column_abs_sums", runner.read(op.column_abs_sums), sizes, sum_bounds});
  return results;
}

}  // namespace

std::vector<OperationCase> channel_operations() {
  const std::vector<Values> all{Values::random, Values::zeros, Values::saturated, Values::nan};
  std::vector<OperationCase> rows{{"spread_channels", {Values::random, Values::nan}, spread_channels},
                                  {"sum_channels", {Values::random, Values::zeros, Values::nan}, sum_channels}};
  for (Activation activation : {Activation::identity, Activation::sigmoid, Activation::relu})
    for (bool sums : {false, true})
      rows.push_back({std::string("bias_activation_") + to_string(activation) + (sums ? "_sums" : ""), all,
                      [=](Backend& backend, const Sizes& s, Values v) {
                        return bias_activation(backend, s, v, activation, sums);
                      }});
  return rows;
}

}  // namespace lacuna::test
