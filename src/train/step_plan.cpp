#include "lacuna/step_plan.h"

#include <fmt/format.h>

#include "lacuna/error.h"

namespace lacuna {

namespace {

/// One line for one operation.
struct Describer {
  const StepPlan& plan;

  std::string name(BufferId id) const {
    return id == kNoBuffer ? "-" : fmt::format("{}{}", plan[id].name, to_string(plan[id].shape));
  }
  std::string operator()(const FillUniform& op) const {
    return fmt::format("fill_uniform {} limit={} stream={}", name(op.values), op.limit, op.stream);
  }
  std::string operator()(const BeginStep& op) const { return fmt::format("begin_step rows={}", op.rows); }
  std::string operator()(const Gather& op) const {
    return fmt::format("gather {} <- {} shuffle={}", name(op.batch), name(op.data), op.shuffle);
  }
  std::string operator()(const Noise& op) const {
    constexpr const char* kKinds[] = {"mask", "dropout", "gaussian", "shift"};
    return fmt::format("noise {} {} {} <- {} stream={}", kKinds[static_cast<int>(op.kind)], op.amount, name(op.output),
                       name(op.input), op.stream);
  }
  std::string operator()(const ConvolutionForward& op) const {
    return fmt::format("convolution_forward {} <- {} with {}{}", name(op.output), name(op.input), name(op.weight),
                       op.convolution.transposed ? " transposed" : "");
  }
  std::string operator()(const ConvolutionBackward& op) const {
    return fmt::format("convolution_backward {} <- {}, {}{}, input_gradient={}", name(op.weight_gradient),
                       name(op.delta), name(op.input), op.convolution.transposed ? " transposed" : "",
                       name(op.input_gradient));
  }
  std::string operator()(const SpreadChannels& op) const {
    return fmt::format("spread_channels {} <- {}", name(op.columns), name(op.channels));
  }
  std::string operator()(const SumChannels& op) const {
    return fmt::format("sum_channels {} <- {}", name(op.channels), name(op.columns));
  }
  std::string operator()(const BiasActivation& op) const {
    return fmt::format("bias_activation {} {} column_sums={}", name(op.values), to_string(op.activation),
                       name(op.column_sums));
  }
  std::string operator()(const TopK& op) const {
    return fmt::format("top_k {} kept={}", name(op.values), name(op.kept));
  }
  std::string operator()(const DecayGradients& op) const {
    return fmt::format("decay_gradients {} weight_decay={}", name(op.gradients), op.weight_decay);
  }
  std::string operator()(const Dots& op) const {
    return fmt::format("dots {} <- {} x {} vectors", name(op.values), op.left.size(), op.right.size());
  }
  std::string operator()(const Combine& op) const {
    return fmt::format("combine {} <- {} vectors", name(op.output), op.vectors.size());
  }
  std::string operator()(const DenseForward& op) const {
    return fmt::format("dense_forward {} <- {} x {} {} column_sums={}", name(op.output), name(op.input),
                       name(op.weight), op.bias == kNoBuffer ? "product" : to_string(op.activation),
                       name(op.column_sums));
  }
  std::string operator()(const Reconstruction& op) const {
    return fmt::format("reconstruction {} {} {} of {} against {} delta={}", to_string(op.loss), to_string(op.reduction),
                       to_string(op.activation), name(op.product), name(op.target), name(op.delta));
  }
  std::string operator()(const Softmax& op) const { return fmt::format("softmax {}", name(op.logits)); }
  std::string operator()(const SoftmaxCrossEntropy& op) const {
    return fmt::format("softmax_cross_entropy {} against {} delta={}", name(op.product), name(op.labels),
                       name(op.delta));
  }
  std::string operator()(const SparsityPenalty& op) const {
    return fmt::format("sparsity_penalty {} of {}", to_string(op.kind), name(op.column_sums));
  }
  std::string operator()(const ActivationBackward& op) const {
    return fmt::format("activation_backward {} {} column_gradient={} l1={}", to_string(op.activation),
                       name(op.gradient), name(op.column_gradient), op.l1);
  }
  std::string operator()(const DenseBackward& op) const {
    return fmt::format("dense_backward {} <- {}^T x {}, input_gradient={}", name(op.weight_gradient), name(op.delta),
                       name(op.input), name(op.input_gradient));
  }
  std::string operator()(const UpdateParameters& op) const {
    return fmt::format("update_parameters {} {} weight_decay={}", to_string(op.optimizer.kind), name(op.parameters),
                       op.weight_decay);
  }
  std::string operator()(const EndStep& op) const { return fmt::format("end_step data_rows={}", op.data_rows); }
};

}  // namespace

BufferId StepPlan::bound(std::string buffer_name, DType dtype, const Shape& shape) {
  buffers.push_back({std::move(buffer_name), Buffer::Kind::bound, dtype, shape, kNoBuffer, 0});
  return static_cast<BufferId>(buffers.size()) - 1;
}

BufferId StepPlan::scratch(std::string buffer_name, const Shape& shape, DType dtype) {
  buffers.push_back({std::move(buffer_name), Buffer::Kind::scratch, dtype, shape, kNoBuffer, 0});
  return static_cast<BufferId>(buffers.size()) - 1;
}

BufferId StepPlan::slice(std::string buffer_name, BufferId parent, std::int64_t offset, const Shape& shape) {
  const Buffer& whole = (*this)[parent];
  LACUNA_EXPECTS(
      whole.kind == Buffer::Kind::bound && offset >= 0 && offset + shape.elements() <= whole.shape.elements(),
      fmt::format("{} lies outside {}", buffer_name, whole.name));
  buffers.push_back({std::move(buffer_name), Buffer::Kind::slice, whole.dtype, shape, parent, offset});
  return static_cast<BufferId>(buffers.size()) - 1;
}

BufferId StepPlan::find(const std::string& buffer_name) const {
  for (std::size_t i = 0; i < buffers.size(); ++i)
    if (buffers[i].name == buffer_name) return static_cast<BufferId>(i);
  return kNoBuffer;
}

std::string StepPlan::describe() const {
  std::string text = name + "\n";
  for (const Operation& operation : operations) text += "  " + describe(operation) + "\n";
  return text;
}

std::string StepPlan::describe(const Operation& operation) const {
  return std::visit(Describer{*this}, operation);
}

}  // namespace lacuna
