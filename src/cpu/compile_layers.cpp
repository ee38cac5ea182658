// Layers, forward and backward.

#include <algorithm>

#include "cpu/compiler.h"
#include "cpu/cpu_executable.h"
#include "cpu/gemm.h"

namespace lacuna::cpu {

namespace {

/// From this ratio of rows to columns on, oneDNN's product with a transposed left operand is slower than the one that
/// gives the transposed result, by more than turning it costs (docs/benchmarks.md).
constexpr std::int64_t kTall = 3;

}  // namespace

void Compiler::operator()(const DenseForward& op) {
  if (!push_kept_forward(op)) push_forward(op);
  if (op.bias == kNoBuffer) return;
  (*this)(BiasActivation{op.output, op.bias, op.activation, op.column_sums, op.column_abs_sums});
}

void Compiler::push_forward(const DenseForward& op) {
  const std::int64_t rows = shape(op.input)[0], in = shape(op.input)[1], out = shape(op.output)[1];
  const Transpose turn = op.weight_layout == WeightLayout::out_in ? Transpose::yes : Transpose::no;
  if (sparse(op.input) && turn == Transpose::yes)
    push([s = program.sparse_input.get(), w = at(op.weight), y = at(op.output), out] { s->forward(w, y, out); });
  else
    push_product(Transpose::no, turn, rows, out, in, op.input, op.weight, op.output);
}

void Compiler::operator()(const BiasActivation& op) {
  const Shape& values = shape(op.values);
  push([f = k.bias_activation, activation = op.activation,
        a = BiasActivationArgs{at(op.values), at(op.bias), values[0], values[1], at(op.column_sums),
                               at(op.column_abs_sums), partials, abs_partials, program.threads}] { f(activation, a); });
}

ConvolutionProducts* Compiler::convolution(const Convolution& convolution, std::int64_t rows) {
  for (const auto& known : program.convolutions)
    if (known->convolution() == convolution && known->rows() == rows) return known.get();
  if (bf16() && program.convolutions.empty())
    program.remarks.push_back("convolutions are in fp32, with --precision bf16 too");
  program.convolutions.push_back(std::make_unique<ConvolutionProducts>(convolution, rows, program.threads));
  return program.convolutions.back().get();
}

void Compiler::operator()(const ConvolutionForward& op) {
  push([c = convolution(op.convolution, shape(op.input)[0]), x = at(op.input), w = at(op.weight), y = at(op.output)] {
    c->forward(x, w, y);
  });
}

void Compiler::operator()(const SpreadChannels& op) {
  const std::int64_t channels = shape(op.channels)[0], positions = shape(op.columns)[0] / channels;
  push([=, from = at(op.channels), to = at(op.columns)] {
    for (std::int64_t c = 0; c < channels; ++c) std::fill_n(to + c * positions, positions, from[c]);
  });
}

void Compiler::operator()(const ActivationBackward& op) {
  if (!push_kept_activation_backward(op)) push_activation_backward(op);
}

void Compiler::push_activation_backward(const ActivationBackward& op) {
  const Shape& gradient = shape(op.gradient);
  push([f = k.activation_backward, activation = op.activation,
        a = ActivationBackwardArgs{at(op.gradient), at(op.output), at(op.column_gradient), op.l1, scalars(op.scalars),
                                   gradient[0], gradient[1], at(op.bias_gradient), at<std::uint32_t>(op.kept), partials,
                                   program.threads}] { f(activation, a); });
}

void Compiler::operator()(const DenseBackward& op) {
  if (op.weight_gradient != kNoBuffer && !push_kept_weight_gradient(op)) push_weight_gradient(op);
  if (op.input_gradient != kNoBuffer && !push_kept_input_gradient(op)) push_input_gradient(op);
}

void Compiler::push_weight_gradient(const DenseBackward& op) {
  const std::int64_t rows = shape(op.delta)[0], in = shape(op.input)[1], out = shape(op.delta)[1];
  if (op.weight_layout == WeightLayout::in_out)
    push_product(Transpose::yes, Transpose::no, in, out, rows, op.input, op.delta, op.weight_gradient, op.accumulate);
  // scratch may be read past its end
  else if (sparse(op.input) && plan[op.delta].kind == Buffer::Kind::scratch && !op.accumulate)
    push([s = program.sparse_input.get(), delta = at(op.delta), dw = at(op.weight_gradient), out] {
      s->weight_gradient(delta, dw, out);
    });
  else if (out >= kTall * in && !op.accumulate && !bf16())
    push_turned_gradient(op, rows, in, out);
  else
    push_product(Transpose::yes, Transpose::no, out, in, rows, op.delta, op.input, op.weight_gradient, op.accumulate);
}

void Compiler::push_input_gradient(const DenseBackward& op) {
  const Transpose turn = op.weight_layout == WeightLayout::out_in ? Transpose::no : Transpose::yes;
  push_product(Transpose::no, turn, shape(op.delta)[0], shape(op.input)[1], shape(op.delta)[1], op.delta, op.weight,
               op.input_gradient);
}

/// The transposed gradient, then turned.
void Compiler::push_turned_gradient(const DenseBackward& op, std::int64_t rows, std::int64_t in, std::int64_t out) {
  program.turned.push_back(allocate(in * out * 4, "a transposed gradient"));
  push([=, delta = at(op.delta), x = at(op.input), dw = at(op.weight_gradient), turn = k.transpose,
        turned = static_cast<float*>(program.turned.back()->address()), threads = program.threads] {
    gemm(Transpose::yes, Transpose::no, in, out, rows, x, delta, turned);
    turn({turned, out, dw, in, in, out, threads});
  });
}

void Compiler::operator()(const ConvolutionBackward& op) {
  push([c = convolution(op.convolution, shape(op.input)[0]), delta = at(op.delta), x = at(op.input), w = at(op.weight),
        dw = at(op.weight_gradient), dx = at(op.input_gradient)] {
    c->weight_gradient(delta, x, dw);
    if (dx) c->input_gradient(delta, w, dx);
  });
}

void Compiler::operator()(const SumChannels& op) {
  const std::int64_t channels = shape(op.channels)[0], positions = shape(op.columns)[0] / channels;
  push([=, from = at(op.columns), to = at(op.channels)] {
    for (std::int64_t c = 0; c < channels; ++c) {
      double sum = 0;
      for (std::int64_t p = 0; p < positions; ++p) sum += static_cast<double>(from[c * positions + p]);
      to[c] = static_cast<float>(sum);
    }
  });
}

}  // namespace lacuna::cpu
