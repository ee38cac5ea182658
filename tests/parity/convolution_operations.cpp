#include <cmath>
#include <utility>

#include "parity/operation_table.h"
#include "parity/plan_runner.h"
#include "reference/convolution.h"

namespace lacuna::test {
namespace {

using reference::Matrix;

/// Kernels of 1 to 7, strides of 1 to 3, paddings up to beyond the kernel's middle, one channel and several, odd sizes.
std::vector<Convolution> plain_convolutions() {
  return {{1, 7, 6, 1, 1, 1, 0},    {3, 5, 1, 2, 1, 2, 0},     {1, 9, 9, 4, 3, 2, 1},  {3, 7, 6, 5, 3, 1, 1},
          {2, 11, 8, 3, 5, 3, 2},   {4, 7, 7, 6, 7, 1, 0},     {3, 5, 5, 2, 2, 3, 0},  {2, 6, 7, 3, 4, 2, 3},
          {1, 13, 3, 2, 6, 1, 3},   {17, 3, 3, 33, 3, 1, 1},   {1, 1, 1, 5, 1, 1, 0},  {2, 31, 1, 3, 3, 2, 1},
          {1, 28, 28, 16, 3, 2, 1}, {16, 14, 14, 32, 3, 2, 1}, {32, 7, 7, 64, 7, 1, 0}};
}

/// The way back from each of them, and some with an output padding that no plain one asks for.
std::vector<Convolution> transposed_convolutions() {
  std::vector<Convolution> list;
  for (const Convolution& plain : plain_convolutions()) {
    list.push_back(plain.mirrored());
    if (plain.stride > 1) list.back().output_padding = plain.stride - 1;
  }
  list.push_back({5, 3, 4, 2, 3, 2, 1, true, 0});
  list.push_back({2, 3, 3, 3, 5, 3, 2, true, 2});
  return list;
}

std::string name_of(const Convolution& c) {
  const auto text = [](std::int64_t value) { return std::to_string(value); };
  return text(c.channels_in) + "x" + text(c.height_in) + "x" + text(c.width_in) + " to " + text(c.channels_out) +
         ", kernel " + text(c.kernel) + ", stride " + text(c.stride) + ", padding " + text(c.padding) +
         (c.transposed ? ", transposed, output padding " + text(c.output_padding) : "");
}

/// As matrix rows of the first extent.
Matrix weights_of(Operands& operands, const Convolution& c, double spread) {
  const Shape shape = c.weight_shape();
  return operands.matrix(shape[0], shape.elements() / shape[0], -spread, spread);
}

BufferId bind_weights(PlanRunner& runner, const Convolution& c, const Matrix& weights) {
  return runner.array("weight", c.weight_shape(), weights.values);
}

/// A library may multiply NaN with the zeros that pad the samples, or leave them out. What must not be is that a NaN
/// gets lost.
Compared compared(const std::string& what, Values values, std::vector<double> got, std::vector<double> expected) {
  Compared result{what, std::move(got), std::move(expected)};
  if (values == Values::nan && result.got.size() == result.expected.size())
    for (std::size_t i = 0; i < result.got.size(); ++i)
      if (!std::isnan(result.expected[i])) result.got[i] = result.expected[i] = 0.0;
  return result;
}

void convolution_forward(Backend& backend, const Sizes& s, Values values, const Convolution& c,
                         std::vector<Compared>& results) {
  Operands operands(s, values);
  Matrix x = operands.matrix(s.rows, c.inputs(), -1.0, 1.0);
  const Matrix w = weights_of(operands, c, 0.3);
  operands.plant_nan(x.values);
  PlanRunner runner(backend);
  ConvolutionForward op;
  op.convolution = c;
  op.input = runner.matrix("x", x);
  op.weight = bind_weights(runner, c, w);
  op.output = runner.result("output", {s.rows, c.outputs()});
  runner.run(op);
  results.push_back(compared("output of " + name_of(c), values, runner.read(op.output),
                             reference::convolution_product(c, x, w).values));
}

void convolution_backward(Backend& backend, const Sizes& s, Values values, const Convolution& c, bool input_gradient,
                          std::vector<Compared>& results) {
  Operands operands(s, values);
  Matrix delta = operands.matrix(s.rows, c.outputs(), -1e-2, 1e-2);
  const Matrix x = operands.matrix(s.rows, c.inputs(), -0.2, 1.0);
  const Matrix w = weights_of(operands, c, 0.1);
  operands.plant_nan(delta.values);
  PlanRunner runner(backend);
  ConvolutionBackward op;
  op.convolution = c;
  op.delta = runner.matrix("delta", delta);
  op.input = runner.matrix("x", x);
  op.weight = bind_weights(runner, c, w);
  op.weight_gradient = runner.result("weight_gradient", c.weight_shape());
  if (input_gradient) op.input_gradient = runner.result("input_gradient", {s.rows, c.inputs()});
  runner.run(op);
  results.push_back(compared("weight_gradient of " + name_of(c), values, runner.read(op.weight_gradient),
                             reference::convolution_weight_product(c, delta, x).values));
  if (input_gradient)
    results.push_back(compared("input_gradient of " + name_of(c), values, runner.read(op.input_gradient),
                               reference::convolution_input_product(c, delta, w).values));
}

}  // namespace

std::vector<OperationCase> convolution_operations() {
  std::vector<OperationCase> rows;
  const auto add = [&rows](const std::string& name, auto run) {
    rows.push_back({name, {Values::random, Values::zeros, Values::nan}, run});
    rows.back().sizes = {{1}, {2}, {17}};  // samples
  };
  for (const auto& [kind, list] : {std::pair{"", plain_convolutions()}, {"_transposed", transposed_convolutions()}}) {
    add(std::string("convolution_forward") + kind, [list = list](Backend& backend, const Sizes& s, Values v) {
      std::vector<Compared> results;
      for (const Convolution& c : list) convolution_forward(backend, s, v, c, results);
      return results;
    });
    for (bool input_gradient : {false, true})
      add(std::string("convolution_backward") + kind + (input_gradient ? "" : "_weight_only"),
          [list = list, input_gradient](Backend& backend, const Sizes& s, Values v) {
            std::vector<Compared> results;
            for (const Convolution& c : list) convolution_backward(backend, s, v, c, input_gradient, results);
            return results;
          });
  }
  return rows;
}

}  // namespace lacuna::test
