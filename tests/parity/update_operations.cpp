#include <cmath>

#include "parity/operation_table.h"
#include "parity/plan_runner.h"

namespace lacuna::test {
namespace {

using Slab = std::vector<double>;

constexpr double kPadding = 7.5;
constexpr std::int64_t kStep = 7;  // Adam's corrections are far from 1 here

/// A weight, a bias, a second weight and a last bias, each at a multiple of 16 elements.
std::vector<UpdateParameters::Range> ranges_of(const Sizes& s) {
  std::vector<UpdateParameters::Range> ranges;
  std::int64_t offset = 16;
  for (const auto& [elements, decays] :
       {std::pair{s.rows * s.columns, true}, {s.rows, false}, {s.columns, true}, {std::int64_t{1}, false}}) {
    ranges.push_back({offset, elements, decays});
    offset += (elements + 15) / 16 * 16;
  }
  return ranges;
}

std::int64_t slab_elements(const std::vector<UpdateParameters::Range>& ranges) {
  return ranges.back().offset + 2 * 16;
}

/// Random numbers in the ranges, kPadding everywhere else.
Slab slab(Operands& operands, const std::vector<UpdateParameters::Range>& ranges, double low, double high) {
  Slab values(static_cast<std::size_t>(slab_elements(ranges)), kPadding);
  for (const auto& range : ranges) {
    const std::vector<double> part = operands.vector(range.elements, low, high);
    std::copy(part.begin(), part.end(), values.begin() + range.offset);
  }
  return values;
}

Slab difference(Slab a, const Slab& b) {
  for (std::size_t i = 0; i < a.size(); ++i) a[i] -= b[i];
  return a;
}

/// One update in double precision; the same formulas as reference::Training, on a slab.
struct Expected {
  Slab w, m, v;
  double value = 0.0;

  void update(const Optimizer& o, const Slab& gradients, const std::vector<UpdateParameters::Range>& ranges,
              double weight_decay) {
    for (const auto& range : ranges)
      for (std::int64_t k = range.offset; k < range.offset + range.elements; ++k) {
        const auto i = static_cast<std::size_t>(k);
        if (range.decays) value += 0.5 * weight_decay * w[i] * w[i];
        const double g = gradients[i] + (range.decays ? weight_decay * w[i] : 0.0);
        if (o.kind == OptimizerKind::adam) {
          m[i] = o.beta1 * m[i] + (1.0 - o.beta1) * g;
          v[i] = o.beta2 * v[i] + (1.0 - o.beta2) * g * g;
          const double mean = m[i] / (1.0 - std::pow(o.beta1, kStep));
          const double variance = v[i] / (1.0 - std::pow(o.beta2, kStep));
          w[i] -= o.learning_rate * mean / (std::sqrt(variance) + o.epsilon);
        } else {
          m[i] = o.momentum * m[i] + g;
          w[i] -= o.learning_rate * (o.nesterov ? g + o.momentum * m[i] : m[i]);
        }
      }
  }
};

std::vector<Compared> update_parameters(Backend& backend, const Sizes& s, Values values, const Optimizer& optimizer,
                                        double weight_decay) {
  Operands operands(s, values);
  const std::vector<UpdateParameters::Range> ranges = ranges_of(s);
  const Slab w = slab(operands, ranges, -0.3, 0.3), m = slab(operands, ranges, -0.5, 0.5),
             v = slab(operands, ranges, 0.1, 1.0);
  Slab gradients = slab(operands, ranges, -1.0, 1.0);
  if (values == Values::nan) gradients[static_cast<std::size_t>(ranges[0].offset)] = NAN;

  PlanRunner runner(backend);
  UpdateParameters op;
  op.parameters = runner.vector("parameters", w);
  op.gradients = runner.vector("gradients", gradients);
  if (optimizer.moments() > 0) op.moment1 = runner.vector("moment1", m);
  if (optimizer.moments() > 1) op.moment2 = runner.vector("moment2", v);
  op.scalars = runner.scalars(
      {.learning_rate = static_cast<float>(optimizer.learning_rate),
       .adam_step_size = static_cast<float>(optimizer.learning_rate / (1.0 - std::pow(optimizer.beta1, kStep))),
       .adam_inv_sqrt_correction2 = static_cast<float>(1.0 / std::sqrt(1.0 - std::pow(optimizer.beta2, kStep))),
       .sample_count = 1});
  op.ranges = ranges;
  op.optimizer = optimizer;
  op.weight_decay = weight_decay;
  op.value = runner.result_value("value");
  runner.run(op);

  Expected expected{w, m, v};
  expected.update(optimizer, gradients, ranges, weight_decay);
  std::vector<Compared> results{{"update", difference(runner.read(op.parameters), w), difference(expected.w, w)},
                                {"value", runner.read(op.value), {expected.value}}};
  if (optimizer.moments() > 0) results.push_back({"moment1", runner.read(op.moment1), expected.m});
  if (optimizer.moments() > 1) results.push_back({"moment2", runner.read(op.moment2), expected.v});

  // What lies between the ranges is nobody's: not one bit of it may change.
  Slab padding = runner.read(op.parameters);
  for (const auto& range : ranges) std::fill_n(padding.begin() + range.offset, range.elements, kPadding);
  results.push_back({"padding", padding, Slab(padding.size(), kPadding), Slab(padding.size(), 0.0)});
  return results;
}

}  // namespace

std::vector<OperationCase> update_operations() {
  const std::pair<const char*, Optimizer> optimizers[] = {
      {"sgd", {.kind = OptimizerKind::sgd, .learning_rate = 0.02}},
      {"momentum", {.kind = OptimizerKind::sgd, .learning_rate = 0.02, .momentum = 0.9}},
      {"nesterov", {.kind = OptimizerKind::sgd, .learning_rate = 0.02, .momentum = 0.9, .nesterov = true}},
      {"adam", {.kind = OptimizerKind::adam, .learning_rate = 0.02}},
      {"adam_other_betas",
       {.kind = OptimizerKind::adam, .learning_rate = 0.02, .beta1 = 0.8, .beta2 = 0.99, .epsilon = 1e-3}},
  };
  std::vector<OperationCase> rows;
  for (const auto& [name, optimizer] : optimizers)
    for (double weight_decay : {0.0, 0.25})
      rows.push_back({std::string("update_parameters_") + name + (weight_decay > 0 ? "_decay" : ""),
                      {Values::random, Values::zeros, Values::nan},
                      [optimizer = optimizer, weight_decay](Backend& backend, const Sizes& s, Values v) {
                        return update_parameters(backend, s, v, optimizer, weight_decay);
                      }});
  return rows;
}

}  // namespace lacuna::test
