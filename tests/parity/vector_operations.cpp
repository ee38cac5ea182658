// What a line search does with whole vectors.

#include <cmath>

#include "parity/operation_table.h"
#include "parity/plan_runner.h"

namespace lacuna::test {
namespace {

using Vector = std::vector<double>;

/// Products and sums are in double: only their order is free.
constexpr double kDoubleBound = 1e-12;

std::vector<Vector> vectors(Operands& operands, const Sizes& s, std::int64_t count) {
  std::vector<Vector> list;
  for (std::int64_t v = 0; v < count; ++v) list.push_back(operands.vector(s.rows * s.columns, -1.0, 1.0));
  operands.plant_nan(list.front());
  return list;
}

std::vector<BufferId> bound(PlanRunner& runner, const std::string& name, const std::vector<Vector>& list) {
  std::vector<BufferId> ids;
  for (const Vector& vector : list) ids.push_back(runner.vector(name + std::to_string(ids.size()), vector));
  return ids;
}

std::vector<Compared> dots(Backend& backend, const Sizes& s, Values values, std::int64_t left, std::int64_t right) {
  Operands operands(s, values);
  const std::vector<Vector> l = vectors(operands, s, left), r = vectors(operands, s, right);
  PlanRunner runner(backend);
  Dots op;
  op.left = bound(runner, "left", l);
  op.right = bound(runner, "right", r);
  op.values = runner.result_doubles("values", left * right);
  runner.run(op);
  Vector expected, bounds;
  for (const Vector& x : l)
    for (const Vector& y : r) {
      double sum = 0.0, size = 0.0;
      for (std::size_t i = 0; i < x.size(); ++i) {
        sum += x[i] * y[i];
        size += std::abs(x[i] * y[i]);
      }
      expected.push_back(sum);
      bounds.push_back(kDoubleBound * size);
    }
  return {{"values", runner.read(op.values), expected, bounds}};
}

std::vector<Compared> combine(Backend& backend, const Sizes& s, Values values, std::int64_t count, bool in_place) {
  Operands operands(s, values);
  const std::vector<Vector> list = vectors(operands, s, count);
  Vector coefficients;
  for (std::int64_t v = 0; v < count; ++v) coefficients.push_back(1.0 / static_cast<double>(3 * v - 4));
  PlanRunner runner(backend);
  Combine op;
  op.vectors = bound(runner, "vector", list);
  op.coefficients = runner.doubles("coefficients", {count}, coefficients);
  op.output = in_place ? op.vectors.back() : runner.result("output", {s.rows * s.columns});
  runner.run(op);
  Vector expected(list.front().size()), bounds;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    double size = 0.0;
    for (std::size_t v = 0; v < list.size(); ++v) {
      expected[i] += coefficients[v] * list[v][i];
      size += std::abs(coefficients[v] * list[v][i]);
    }
    bounds.push_back(0.5 * kUlp * std::abs(expected[i]) + kDoubleBound * size);
  }
  return {{"output", runner.read(op.output), expected, bounds}};
}

/// A weight, a bias and a second weight in a slab, with padding around them.
std::vector<Compared> decay_gradients(Backend& backend, const Sizes& s, Values values, double weight_decay) {
  Operands operands(s, values);
  const std::int64_t first = s.rows * s.columns, begin = 16 + (first + 15) / 16 * 16;
  const std::vector<UpdateParameters::Range> ranges{
      {16, first, true}, {begin, s.rows, false}, {begin + (s.rows + 15) / 16 * 16, s.columns, true}};
  const std::int64_t elements = ranges.back().offset + s.columns + 16;
  const Vector w = operands.vector(elements, -0.3, 0.3);
  Vector g = operands.vector(elements, -1.0, 1.0);
  operands.plant_nan(g);
  PlanRunner runner(backend);
  DecayGradients op;
  op.parameters = runner.vector("parameters", w);
  op.gradients = runner.vector("gradients", g);
  op.ranges = ranges;
  op.weight_decay = weight_decay;
  op.value = runner.result_value("value");
  runner.run(op);
  double value = 0.0;
  Vector bounds(g.size());
  for (const auto& range : ranges)
    for (std::int64_t k = range.offset; range.decays && k < range.offset + range.elements; ++k) {
      const auto i = static_cast<std::size_t>(k);
      value += 0.5 * weight_decay * w[i] * w[i];
      g[i] += weight_decay * w[i];
      bounds[i] = kUlp * (std::abs(g[i]) + weight_decay * std::abs(w[i]));
    }
  return {{"gradients", runner.read(op.gradients), g, bounds},
          {"value", runner.read(op.value), {value}},
          exactly("parameters", runner.read(op.parameters), w)};
}

}  // namespace

std::vector<OperationCase> vector_operations() {
  const std::vector<Values> values{Values::random, Values::zeros, Values::nan};
  std::vector<OperationCase> rows;
  for (const auto& [left, right] : {std::pair<std::int64_t, std::int64_t>{1, 1}, {3, 9}})
    rows.push_back({left == 1 ? "dots_one" : "dots", values,
                    [left = left, right = right](Backend& backend, const Sizes& s, Values v) {
                      return dots(backend, s, v, left, right);
                    }});
  for (const auto& [count, in_place] : {std::pair<std::int64_t, bool>{1, false}, {5, false}, {5, true}})
    rows.push_back({count == 1 ? "combine_one"
                    : in_place ? "combine_in_place"
                               : "combine",
                    values, [count = count, in_place = in_place](Backend& backend, const Sizes& s, Values v) {
                      return combine(backend, s, v, count, in_place);
                    }});
  for (double weight_decay : {0.0, 0.25})
    rows.push_back({weight_decay > 0 ? "decay_gradients" : "decay_gradients_none", values,
                    [weight_decay](Backend& backend, const Sizes& s, Values v) {
                      return decay_gradients(backend, s, v, weight_decay);
                    }});
  return rows;
}

}  // namespace lacuna::test
