#include <algorithm>
#include <cmath>

#include "parity/operation_table.h"
#include "parity/plan_runner.h"
#include "reference/formulas.h"

namespace lacuna::test {
namespace {

using reference::Matrix;

/// Sums of a code over M samples of which some units are all but off or all but on.
std::vector<double> saturated_sums(std::int64_t units, double samples) {
  const double means[] = {0.0, 0x1p-30, 0x1p-21, 0x1p-19, 0.5, 1.0 - 0x1p-19, 1.0 - 0x1p-22, 1.0};
  std::vector<double> sums;
  for (std::int64_t j = 0; j < units; ++j) sums.push_back(static_cast<float>(samples * means[j % 8]));
  return sums;
}

std::vector<Compared> sparsity_penalty(Backend& backend, const Sizes& s, Values values, Sparsity kind,
                                       std::int64_t positions) {
  Operands operands(s, values);
  const double samples = 128, count = samples * static_cast<double>(positions);
  std::vector<double> sums =
      operands.saturated() ? saturated_sums(s.columns, count) : operands.vector(s.columns, 0.01 * count, 0.95 * count);
  std::vector<double> abs_sums = operands.vector(s.columns, 0.0, 3.0 * samples);
  operands.plant_nan(sums);
  operands.plant_nan(abs_sums);

  PlanRunner runner(backend);
  SparsityPenalty op;
  op.kind = kind;
  op.column_sums = runner.vector("column_sums", sums);
  op.scalars = runner.scalars({.sample_count = static_cast<float>(samples)});
  op.rho = 0.05;
  op.beta = 2.5;
  op.l1 = 0.3;
  op.positions = positions;
  op.value = runner.result_value("value");
  op.mean_activation = runner.result_value("mean_activation");
  if (kind == Sparsity::l1) op.column_abs_sums = runner.vector("column_abs_sums", abs_sums);
  if (kind == Sparsity::kl) op.column_gradient = runner.result("column_gradient", {s.columns});
  runner.run(op);

  double value = 0.0, mean_activation = 0.0;
  std::vector<double> gradient;
  for (std::size_t j = 0; j < sums.size(); ++j) {
    const double mean = sums[j] / count;
    mean_activation += mean / static_cast<double>(s.columns);
    if (kind == Sparsity::kl) value += op.beta * reference::kl(mean, op.rho);
    if (kind == Sparsity::l1) value += op.l1 * abs_sums[j] / samples;
    gradient.push_back(op.beta * reference::kl_slope(mean, op.rho) / count);
  }
  std::vector<Compared> results{{"value", runner.read(op.value), {value}},
                                {"mean_activation", runner.read(op.mean_activation), {mean_activation}}};
  if (kind == Sparsity::kl) results.push_back({"column_gradient", runner.read(op.column_gradient), gradient});
  return results;
}

struct BackwardVariant {
  Activation activation;
  bool column_gradient, l1, kept = false;
};

/// About half of the bits; those behind the last unit are 0.
std::vector<std::int32_t> random_mask(Random& random, std::int64_t rows, std::int64_t columns) {
  std::vector<std::int32_t> words;
  for (std::int64_t i = 0; i < rows; ++i)
    for (std::int64_t begin = 0; begin < columns; begin += 32) {
      std::uint32_t word = 0;
      for (std::int64_t j = 0; j < std::min<std::int64_t>(32, columns - begin); ++j)
        word |= random.uniform(0, 1) < 0.5 ? 1u << j : 0u;
      words.push_back(static_cast<std::int32_t>(word));
    }
  return words;
}

/// Outputs of the activation, some of them where the derivative is 0 or has lost its digits.
Matrix outputs(Operands& operands, const Sizes& s, Activation activation) {
  const bool sigmoid = activation == Activation::sigmoid;
  Matrix h = operands.matrix(s.rows, s.columns, sigmoid ? 0.05 : -1.0, sigmoid ? 0.95 : 1.0);
  const double extremes[] = {0.0, 0x1p-40, 1.0 - 0x1p-24, 1.0, 0.25};
  for (std::size_t i = 0; i < h.values.size(); ++i) {
    if (operands.saturated()) h.values[i] = extremes[i % 5];
    if (activation == Activation::relu && h.values[i] < 0) h.values[i] = 0.0;
  }
  return h;
}

std::vector<Compared> activation_backward(Backend& backend, const Sizes& s, Values values,
                                          const BackwardVariant& variant) {
  Operands operands(s, values);
  // Mostly of one sign: where the sum of a column cancels to nothing, no relative bound on it could hold.
  Matrix gradient = operands.matrix(s.rows, s.columns, -0.4, 1.0);
  const Matrix h = outputs(operands, s, variant.activation);
  const std::vector<double> column = operands.vector(s.columns, -0.5, 0.5);
  operands.plant_nan(gradient.values);
  const double samples = 2.0 * static_cast<double>(s.rows), l1 = 0.7 * samples;

  PlanRunner runner(backend);
  ActivationBackward op;
  op.gradient = runner.matrix("gradient", gradient);
  op.output = runner.matrix("output", h);
  op.activation = variant.activation;
  op.bias_gradient = runner.result("bias_gradient", {s.columns});
  if (variant.column_gradient) op.column_gradient = runner.vector("column_gradient", column);
  const std::int64_t words = (s.columns + 31) / 32;
  Random random(static_cast<std::uint64_t>(s.rows * s.columns));
  const std::vector<std::int32_t> mask = random_mask(random, s.rows, s.columns);
  if (variant.kept) op.kept = runner.integers("kept", {s.rows, words}, mask);
  if (variant.l1) {
    op.l1 = l1;
    op.scalars = runner.scalars({.sample_count = static_cast<float>(samples)});
  }
  runner.run(op);

  Matrix expected(s.rows, s.columns);
  for (std::int64_t i = 0; i < s.rows; ++i)
    for (std::int64_t j = 0; j < s.columns; ++j) {
      double g = gradient(i, j);
      if (variant.column_gradient) g += column[static_cast<std::size_t>(j)];
      if (variant.l1) g += l1 / samples * reference::sign(h(i, j));
      double slope = 1.0;
      if (variant.activation == Activation::sigmoid) slope = h(i, j) * (1.0 - h(i, j));
      if (variant.activation == Activation::relu) slope = h(i, j) > 0.0 ? 1.0 : 0.0;
      const auto word = static_cast<std::uint32_t>(mask[static_cast<std::size_t>(i * words + j / 32)]);
      expected(i, j) = variant.kept && (word >> (j % 32) & 1u) == 0 ? 0.0 : g * slope;
    }
  return {{"gradient", runner.read(op.gradient), expected.values},
          {"bias_gradient", runner.read(op.bias_gradient), column_sums(expected)}};
}

}  // namespace

std::vector<OperationCase> code_operations() {
  const std::vector<Values> all{Values::random, Values::zeros, Values::saturated, Values::nan};
  std::vector<OperationCase> rows;
  for (Sparsity kind : {Sparsity::none, Sparsity::kl, Sparsity::l1})
    for (std::int64_t positions : {1, 9})
      rows.push_back({std::string("sparsity_penalty_") + to_string(kind) + (positions > 1 ? "_channels" : ""), all,
                      [=](Backend& backend, const Sizes& s, Values v) {
                        return sparsity_penalty(backend, s, v, kind, positions);
                      }});
  for (Activation activation : {Activation::identity, Activation::sigmoid, Activation::relu})
    for (bool column_gradient : {false, true})
      for (bool l1 : {false, true})
        for (bool kept : {false, true}) {
          if (kept && column_gradient != l1) continue;
          const BackwardVariant variant{activation, column_gradient, l1, kept};
          rows.push_back({std::string("activation_backward_") + to_string(activation) +
                              (column_gradient ? "_column_gradient" : "") + (l1 ? "_l1" : "") + (kept ? "_kept" : ""),
                          all, [variant](Backend& backend, const Sizes& s, Values v) {
                            return activation_backward(backend, s, v, variant);
                          }});
        }
  return rows;
}

}  // namespace lacuna::test
