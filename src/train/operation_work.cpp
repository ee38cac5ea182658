#include "train/operation_work.h"

#include <fmt/format.h>

#include <initializer_list>

namespace lacuna {

namespace {

/// Of each operation: its name, the buffer it is known by, and its work.
struct Worker {
  const StepPlan& plan;

  const Shape& shape(BufferId id) const { return plan[id].shape; }
  double elements(BufferId id) const { return static_cast<double>(shape(id).elements()); }
  double bytes(BufferId id) const { return id == kNoBuffer ? 0.0 : static_cast<double>(plan[id].bytes()); }
  double bytes(const std::vector<BufferId>& ids) const {
    double sum = 0;
    for (BufferId id : ids) sum += bytes(id);
    return sum;
  }
  /// A buffer that is read and written is named twice.
  OperationWork work(const char* kind, BufferId known_by, std::initializer_list<BufferId> touched,
                     double flop = 0) const {
    return {known_by == kNoBuffer ? std::string(kind) : fmt::format("{} {}", kind, plan[known_by].name), flop,
            bytes(std::vector<BufferId>(touched))};
  }
  /// Every output is a sum of as many products as the kernel has weights for its channel; transposed, every input
  /// goes into as many.
  double products(const Convolution& convolution, BufferId input, BufferId output, BufferId weight) const {
    const double channels = static_cast<double>(shape(weight)[0]);
    return 2.0 * elements(convolution.transposed ? input : output) * elements(weight) / channels;
  }

  OperationWork operator()(const FillUniform& op) const { return work("fill_uniform", op.values, {op.values}); }
  OperationWork operator()(const BeginStep& op) const {
    return work("begin_step", kNoBuffer, {op.state, op.state, op.scalars});
  }
  OperationWork operator()(const Gather& op) const {
    OperationWork found = work("gather", op.batch, {op.batch, op.batch_labels, op.batch_labels});
    found.bytes += elements(op.batch) * static_cast<double>(size_of(plan[op.data].dtype));
    return found;
  }
  OperationWork operator()(const Noise& op) const { return work("noise", op.output, {op.input, op.output}); }
  OperationWork operator()(const DenseForward& op) const {
    return work("dense_forward", op.output, {op.input, op.weight, op.bias, op.output},
                2.0 * static_cast<double>(shape(op.input)[0]) * elements(op.weight));
  }
  OperationWork operator()(const ConvolutionForward& op) const {
    return work("convolution_forward", op.output, {op.input, op.weight, op.output},
                products(op.convolution, op.input, op.output, op.weight));
  }
  OperationWork operator()(const SpreadChannels& op) const {
    return work("spread_channels", op.columns, {op.channels, op.columns});
  }
  OperationWork operator()(const BiasActivation& op) const {
    return work("bias_activation", op.values, {op.values, op.values, op.bias});
  }
  OperationWork operator()(const TopK& op) const { return work("top_k", op.values, {op.values, op.values, op.kept}); }
  OperationWork operator()(const Reconstruction& op) const {
    return work("reconstruction", op.target, {op.product, op.target, op.bias, op.delta, op.output});
  }
  OperationWork operator()(const Softmax& op) const { return work("softmax", op.logits, {op.logits, op.logits}); }
  OperationWork operator()(const SoftmaxCrossEntropy& op) const {
    return work("softmax_cross_entropy", op.product, {op.product, op.labels, op.bias, op.delta, op.output});
  }
  OperationWork operator()(const SumChannels& op) const {
    return work("sum_channels", op.channels, {op.columns, op.channels});
  }
  OperationWork operator()(const SparsityPenalty& op) const {
    return work("sparsity_penalty", kNoBuffer, {op.column_sums, op.column_abs_sums, op.column_gradient});
  }
  OperationWork operator()(const ActivationBackward& op) const {
    return work("activation_backward", op.gradient, {op.gradient, op.gradient, op.output, op.kept, op.bias_gradient});
  }
  OperationWork operator()(const DenseBackward& op) const {
    const int gradients = (op.weight_gradient != kNoBuffer) + (op.input_gradient != kNoBuffer);
    return work("dense_backward", op.weight_gradient != kNoBuffer ? op.weight_gradient : op.input_gradient,
                {op.delta, op.weight_gradient == kNoBuffer ? kNoBuffer : op.input,
                 op.input_gradient == kNoBuffer ? kNoBuffer : op.weight, op.weight_gradient, op.input_gradient},
                2.0 * gradients * static_cast<double>(shape(op.delta)[0]) * elements(op.weight));
  }
  OperationWork operator()(const ConvolutionBackward& op) const {
    const int gradients = op.input_gradient == kNoBuffer ? 1 : 2;
    return work("convolution_backward", op.weight_gradient,
                {op.delta, op.input, op.weight, op.weight_gradient, op.input_gradient},
                gradients * products(op.convolution, op.input, op.delta, op.weight));
  }
  OperationWork operator()(const UpdateParameters& op) const {
    return work("update_parameters", kNoBuffer,
                {op.parameters, op.parameters, op.gradients, op.moment1, op.moment1, op.moment2, op.moment2});
  }
  OperationWork operator()(const DecayGradients& op) const {
    return work("decay_gradients", kNoBuffer, {op.parameters, op.gradients, op.gradients});
  }
  OperationWork operator()(const Dots& op) const { return {"dots", 0, bytes(op.left) + bytes(op.right)}; }
  OperationWork operator()(const Combine& op) const {
    return {fmt::format("combine {}", plan[op.output].name), 0, bytes(op.vectors) + bytes(op.output)};
  }
  OperationWork operator()(const EndStep& op) const { return work("end_step", kNoBuffer, {op.state, op.state}); }
};

}  // namespace

OperationWork work_of(const StepPlan& plan, const Operation& operation) {
  return std::visit(Worker{plan}, operation);
}

}  // namespace lacuna
