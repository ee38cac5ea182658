// A top-k code, and products with it through its kept units.

#include <algorithm>
#include <utility>

#include "cpu/compiler.h"
#include "cpu/cpu_executable.h"

namespace lacuna::cpu {

namespace {

/// Pushes a command that does `through_kept` in steps that keep few units, and else what `dense` pushes.
template <class ThroughKept, class Dense>
void push_either(Program& program, const ThroughKept& through_kept, const Dense& dense) {
  if (program.kept_code->always_active()) return void(program.commands.emplace_back(through_kept));
  std::vector<std::function<void()>> before = std::exchange(program.commands, {});
  dense();
  std::vector<std::function<void()>> commands = std::exchange(program.commands, std::move(before));
  program.commands.emplace_back([code = program.kept_code.get(), through_kept, commands = std::move(commands)] {
    if (code->active()) return through_kept();
    for (const auto& command : commands) command();
  });
}

bool leaves_zeros(NoiseKind kind) {
  return kind == NoiseKind::mask || kind == NoiseKind::dropout;
}

/// Whether a vector from the end of any of a matrix's rows lies within memory that may be read.
bool readable_beyond(const StepPlan& plan, BufferId id) {
  constexpr std::int64_t kVector = 16;
  const Buffer& buffer = plan[id];
  if (buffer.shape[1] % kVector == 0 || buffer.kind == Buffer::Kind::scratch) return true;
  return buffer.kind == Buffer::Kind::slice &&
         buffer.offset + buffer.shape.elements() + kVector <= plan[buffer.parent].shape.elements();
}

/// Whether there is a product that reads the code, or what dropout leaves of it.
bool has_readers(const StepPlan& plan, const TopK& op) {
  std::vector<BufferId> kept{op.values};
  const auto has = [&](BufferId id) { return std::find(kept.begin(), kept.end(), id) != kept.end(); };
  for (const Operation& operation : plan.operations) {
    if (const auto* noise = std::get_if<Noise>(&operation); noise && has(noise->input)) kept.push_back(noise->output);
    if (const auto* forward = std::get_if<DenseForward>(&operation); forward && has(forward->input)) return true;
  }
  return false;
}

/// Whether what follows `op`, but for dropout, is zeroing its input gradient but for kept units.
bool only_kept_are_read(const StepPlan& plan, const DenseBackward& op) {
  bool behind = false;
  for (const Operation& operation : plan.operations) {
    if (!std::exchange(behind, behind || std::get_if<DenseBackward>(&operation) == &op)) continue;
    if (const auto* noise = std::get_if<Noise>(&operation);
        noise && noise->input == op.input_gradient && noise->output == op.input_gradient && leaves_zeros(noise->kind))
      continue;
    const auto* next = std::get_if<ActivationBackward>(&operation);
    return next && next->gradient == op.input_gradient && next->kept != kNoBuffer;
  }
  return false;
}

}  // namespace

void Compiler::operator()(const TopK& op) {
  const Shape& values = shape(op.values);
  auto* kept = at<std::uint32_t>(op.kept);
  // In bfloat16 the limits of what pays are others, and all products round their operands.
  const bool worth_it = !program.kept_code && !bf16() && has_readers(plan, op);
  auto code = worth_it ? KeptCode::make(plan, op, scalars(op.scalars), program.threads) : nullptr;
  if (code && !kept) kept = code->own_bits();
  push([f = k.top_k, a = TopKArgs{at(op.values), values[0], values[1], scalars(op.scalars), kept, at(op.column_sums),
                                  at(op.column_abs_sums), partials, abs_partials, program.threads}] { f(a); });
  if (!code) return;
  program.remarks.push_back(code->remark());
  program.kept_code = std::move(code);
  kept_values.push_back(op.values);
  push([c = program.kept_code.get(), kept] {
    if (c->active()) c->list(kept);
  });
}

bool Compiler::is_kept(BufferId values) const {
  return std::find(kept_values.begin(), kept_values.end(), values) != kept_values.end();
}

void Compiler::follow_kept(const Noise& op) {
  const bool stays = is_kept(op.input) && leaves_zeros(op.kind);
  std::erase(kept_values, op.output);
  if (stays) kept_values.push_back(op.output);
}

bool Compiler::push_kept_activation_backward(const ActivationBackward& op) {
  KeptCode* code = program.kept_code.get();
  if (!code || !is_kept(op.output) || op.kept == kNoBuffer) return false;
  kept_gradient = op.gradient;
  if (op.column_gradient != kNoBuffer || op.l1 != 0) return false;
  push_either(
      program,
      [=, activation = op.activation, gradient = at(op.gradient), output = at(op.output),
       bias_gradient = at(op.bias_gradient),
       sums = partials] { code->activation_backward(activation, gradient, output, bias_gradient, sums); },
      [&] { push_activation_backward(op); });
  return true;
}

bool Compiler::push_kept_forward(const DenseForward& op) {
  KeptCode* code = program.kept_code.get();
  if (!is_kept(op.input)) return false;
  const auto dense = [&] { push_forward(op); };
  const std::int64_t out = shape(op.output)[1];
  const float *h = at(op.input), *w = at(op.weight);
  float* y = at(op.output);
  if (op.weight_layout == WeightLayout::out_in) {
    if (!code->turns(w, out)) return false;
    push_either(
        program, [=] { code->product(h, code->turn_weight(out), y, out); }, dense);
  } else {
    if (!readable_beyond(plan, op.weight)) return false;
    push_either(
        program, [=] { code->product(h, w, y, out); }, dense);
  }
  return true;
}

bool Compiler::push_kept_weight_gradient(const DenseBackward& op) {
  KeptCode* code = program.kept_code.get();
  if (!code) return false;
  const auto dense = [&] { push_weight_gradient(op); };
  const std::int64_t in = shape(op.input)[1], out = shape(op.delta)[1];
  const float *x = at(op.input), *delta = at(op.delta);
  float* dw = at(op.weight_gradient);
  const bool out_in = op.weight_layout == WeightLayout::out_in, accumulate = op.accumulate;
  if (is_kept(op.input) && readable_beyond(plan, op.delta)) {
    if (!out_in) {
      push_either(
          program, [=] { code->weight_gradient(x, delta, dw, out, accumulate); }, dense);
      return true;
    }
    if (accumulate || !code->has_turned(at(op.weight))) return false;
    push_either(
        program, [=] { code->turned_gradient(x, delta, dw, out); }, dense);
    return true;
  }
  if (kept_gradient == op.delta && out_in && readable_beyond(plan, op.input)) {
    push_either(
        program, [=] { code->weight_gradient(delta, x, dw, in, accumulate); }, dense);
    return true;
  }
  return false;
}

bool Compiler::push_kept_input_gradient(const DenseBackward& op) {
  KeptCode* code = program.kept_code.get();
  if (!code) return false;
  const auto dense = [&] { push_input_gradient(op); };
  const std::int64_t in = shape(op.input)[1], out = shape(op.delta)[1];
  const float *delta = at(op.delta), *w = at(op.weight);
  float* dx = at(op.input_gradient);
  const bool out_in = op.weight_layout == WeightLayout::out_in;
  if (is_kept(op.input) && only_kept_are_read(plan, op)) {
    if (!out_in) {
      push_either(
          program, [=] { code->dots(delta, w, dx, out); }, dense);
      return true;
    }
    if (!code->has_turned(w)) return false;
    push_either(
        program, [=] { code->dots(delta, code->turned_weight(), dx, out); }, dense);
    return true;
  }
  if (kept_gradient == op.delta && out_in && readable_beyond(plan, op.weight)) {
    push_either(
        program, [=] { code->product(delta, w, dx, in); }, dense);
    return true;
  }
  return false;
}

}  // namespace lacuna::cpu
