#include "core/bf16_copies.h"

#include <algorithm>
#include <utility>

#include "lacuna/error.h"

namespace lacuna {

namespace {

using Ids = std::vector<BufferId>;

/// What each operation changes; with kNoBuffer for what it leaves out.
struct Writes {
  Ids operator()(const FillUniform& op) const { return {op.values}; }
  Ids operator()(const BeginStep& op) const { return {op.state, op.scalars}; }
  Ids operator()(const Gather& op) const { return {op.batch, op.batch_labels}; }
  Ids operator()(const Noise& op) const { return {op.output}; }
  Ids operator()(const DenseForward& op) const { return {op.output, op.column_sums, op.column_abs_sums}; }
  Ids operator()(const ConvolutionForward& op) const { return {op.output}; }
  Ids operator()(const SpreadChannels& op) const { return {op.columns}; }
  Ids operator()(const BiasActivation& op) const { return {op.values, op.column_sums, op.column_abs_sums}; }
  Ids operator()(const TopK& op) const { return {op.values, op.kept, op.column_sums, op.column_abs_sums}; }
  Ids operator()(const Reconstruction& op) const { return {op.value, op.delta, op.bias_gradient, op.output}; }
  Ids operator()(const Softmax& op) const { return {op.logits}; }
  Ids operator()(const SoftmaxCrossEntropy& op) const {
    return {op.value, op.delta, op.bias_gradient, op.output, op.correct};
  }
  Ids operator()(const SumChannels& op) const { return {op.channels}; }
  Ids operator()(const SparsityPenalty& op) const { return {op.column_gradient, op.value, op.mean_activation}; }
  Ids operator()(const ActivationBackward& op) const { return {op.gradient, op.bias_gradient}; }
  Ids operator()(const DenseBackward& op) const { return {op.weight_gradient, op.input_gradient}; }
  Ids operator()(const ConvolutionBackward& op) const { return {op.weight_gradient, op.input_gradient}; }
  Ids operator()(const UpdateParameters& op) const {
    return {op.parameters, op.gradients, op.moment1, op.moment2, op.value};
  }
  Ids operator()(const DecayGradients& op) const { return {op.gradients, op.value}; }
  Ids operator()(const Dots& op) const { return {op.values}; }
  Ids operator()(const Combine& op) const { return {op.output}; }
  Ids operator()(const EndStep& op) const { return {op.state, op.ring}; }
};

}  // namespace

Bf16Copies::Bf16Copies(const StepPlan& plan) : plan_(plan) {
  for (const Operation& operation : plan.operations) {
    if (const auto* forward = std::get_if<DenseForward>(&operation)) {
      add(forward->input);
      add(forward->weight);
    } else if (const auto* backward = std::get_if<DenseBackward>(&operation)) {
      add(backward->delta);
      if (backward->weight_gradient != kNoBuffer) add(backward->input);
      if (backward->input_gradient != kNoBuffer) add(backward->weight);
    }
  }
}

void Bf16Copies::add(BufferId operand) {
  const auto same = [&](const Copy& copy) { return extent(copy.of) == extent(operand); };
  if (std::none_of(copies_.begin(), copies_.end(), same)) copies_.push_back({operand, false});
}

std::size_t Bf16Copies::index_of(BufferId operand) const {
  for (std::size_t i = 0; i < copies_.size(); ++i)
    if (extent(copies_[i].of) == extent(operand)) return i;
  throw ContractError(plan_[operand].name + " is no operand of a matrix product");
}

bool Bf16Copies::must_make(std::size_t index) {
  return !std::exchange(copies_[index].current, true);
}

void Bf16Copies::wrote(const Operation& operation) {
  for (BufferId id : std::visit(Writes{}, operation)) {
    if (id == kNoBuffer) continue;
    const Extent written = extent(id);
    for (Copy& copy : copies_) {
      const Extent read = extent(copy.of);
      if (read.buffer == written.buffer && read.begin < written.end && written.begin < read.end) copy.current = false;
    }
  }
}

Bf16Copies::Extent Bf16Copies::extent(BufferId id) const {
  const Buffer& buffer = plan_[id];
  if (buffer.kind != Buffer::Kind::slice) return {id, 0, buffer.shape.elements()};
  return {buffer.parent, buffer.offset, buffer.offset + buffer.shape.elements()};
}

}  // namespace lacuna
