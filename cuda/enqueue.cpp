#include "enqueue.h"

#include "kernels/kernels.h"

namespace lacuna::cuda {

namespace {

struct Enqueue {
  const PlanResources& resources;
  const Operation* rider;
  const Workspace& workspace = resources.workspace;
  const PlanLayout& layout = resources.layout;
  const PlanConvolutions& convolutions = resources.convolutions;

  template <class T = float>
  T* at(BufferId id) const {
    return layout.at<T>(id);
  }
  const Shape& shape(BufferId id) const { return resources.plan[id].shape; }
  StepState* state(BufferId id) const { return at<StepState>(id); }
  StepScalars* scalars(BufferId id) const { return at<StepScalars>(id); }
  std::vector<const float*> addresses(const std::vector<BufferId>& ids) const {
    std::vector<const float*> result;
    for (BufferId id : ids) result.push_back(at(id));
    return result;
  }

  BeginStepArgs arguments(const BeginStep& op) const {
    const bool ahead = resources.gathers_ahead;
    return {state(op.state),
            ahead ? layout.next_scalars() : scalars(op.scalars),
            static_cast<float>(op.rows),
            op.optimizer,
            op.kept,
            ahead};
  }
  SparsityPenaltyArgs arguments(const SparsityPenalty& op) const {
    return {op.kind,
            shape(op.column_sums)[0],
            at(op.column_sums),
            at(op.column_abs_sums),
            scalars(op.scalars),
            op.rho,
            op.beta,
            op.l1,
            at(op.column_gradient),
            at<double>(op.value),
            at<double>(op.mean_activation),
            op.positions};
  }
  EndStepArgs arguments(const EndStep& op) const {
    return {state(op.state),
            scalars(op.scalars),
            at<double>(op.reconstruction),
            at<double>(op.sparsity),
            at<double>(op.weight_decay),
            at<double>(op.mean_activation),
            at<double>(op.correct),
            at<StepLoss>(op.ring),
            shape(op.ring)[0],
            op.data_rows,
            resources.begins_next_step ? layout.next_scalars() : nullptr};
  }
  /// Those of the operation that rides along, or none.
  template <class Op>
  auto riding() const {
    const auto* op = rider ? std::get_if<Op>(rider) : nullptr;
    return op ? arguments(*op) : decltype(arguments(*op)){};
  }

  void operator()(const BeginStep& op) const { begin_step(workspace, arguments(op)); }

  void operator()(const Gather& op) const {
    const Shape& data = shape(op.data);
    gather(workspace, {at<void>(op.data), resources.plan[op.data].dtype, data[0], data[1], state(op.state),
                       at(op.batch), shape(op.batch)[0], op.shuffle, op.seed, at<std::int32_t>(op.labels),
                       at<std::int32_t>(op.batch_labels), riding<BeginStep>()});
  }

  void operator()(const Noise& op) const {
    noise(workspace, {op.kind, static_cast<float>(op.amount), at(op.input), at(op.output), shape(op.input).elements(),
                      state(op.state), op.seed, op.stream, op.image});
  }

  void operator()(const DenseForward& op) const {
    if (op.bias == kNoBuffer) return;
    (*this)(BiasActivation{op.output, op.bias, op.activation, op.column_sums, op.column_abs_sums});
  }

  void operator()(const BiasActivation& op) const {
    const Shape& values = shape(op.values);
    bias_activation(workspace, op.activation,
                    {at(op.values), at(op.bias), values[0], values[1], at(op.column_sums), at(op.column_abs_sums),
                     riding<SparsityPenalty>()});
  }

  void operator()(const ConvolutionForward& op) const {
    convolutions(op.convolution, shape(op.input)[0])
        .forward(at(op.input), at(op.weight), at(op.output), layout.convolution_workspace());
  }

  void operator()(const ConvolutionBackward& op) const {
    const ConvolutionProducts& products = convolutions(op.convolution, shape(op.input)[0]);
    products.weight_gradient(at(op.delta), at(op.input), at(op.weight_gradient), layout.convolution_workspace());
    if (op.input_gradient == kNoBuffer) return;
    products.input_gradient(at(op.delta), at(op.weight), at(op.input_gradient), layout.convolution_workspace());
  }

  void operator()(const SpreadChannels& op) const {
    const std::int64_t channels = shape(op.channels)[0];
    spread_channels(workspace, at(op.channels), channels, shape(op.columns)[0] / channels, at(op.columns));
  }

  void operator()(const SumChannels& op) const {
    const std::int64_t channels = shape(op.channels)[0];
    sum_channels(workspace, at(op.columns), channels, shape(op.columns)[0] / channels, at(op.channels));
  }

  void operator()(const TopK& op) const {
    const Shape& values = shape(op.values);
    top_k(workspace, {at(op.values), values[0], values[1], scalars(op.scalars), at<std::uint32_t>(op.kept)});
    if (op.column_sums == kNoBuffer && op.column_abs_sums == kNoBuffer) return;
    column_sums(workspace, {at(op.values), values[0], values[1], at(op.column_sums), at(op.column_abs_sums),
                            riding<SparsityPenalty>()});
  }

  void operator()(const Reconstruction& op) const {
    const Shape& product = shape(op.product);
    reconstruction(workspace, op.loss, op.activation,
                   {at(op.product), at(op.bias), at(op.target), product[0], product[1], op.reduction,
                    scalars(op.scalars), at(op.delta), at(op.output), at(op.bias_gradient), at<double>(op.value)});
  }

  void operator()(const SparsityPenalty& op) const { sparsity_penalty(workspace, arguments(op)); }

  void operator()(const ActivationBackward& op) const {
    const Shape& gradient = shape(op.gradient);
    activation_backward(workspace, op.activation,
                        {at(op.gradient), at(op.output), at(op.column_gradient), op.l1, scalars(op.scalars),
                         gradient[0], gradient[1], at(op.bias_gradient), at<std::uint32_t>(op.kept)});
  }

  void operator()(const SoftmaxCrossEntropy& op) const {
    const Shape& product = shape(op.product);
    softmax_cross_entropy(
        workspace, {at(op.product), at(op.bias), at<std::int32_t>(op.labels), product[0], product[1],
                    scalars(op.scalars), at(op.delta), at(op.output), at<double>(op.value), at<double>(op.correct)});
    if (op.delta != kNoBuffer)
      column_sums(workspace, {at(op.delta), product[0], product[1], at(op.bias_gradient), nullptr});
  }

  void operator()(const Softmax& op) const {
    const Shape& logits = shape(op.logits);
    softmax(workspace, {at(op.logits), at(op.bias), logits[0], logits[1]});
  }

  /// It is its products.
  void operator()(const DenseBackward&) const {}

  void operator()(const UpdateParameters& op) const {
    update_parameters(workspace,
                      {at(op.parameters), at(op.gradients), at(op.moment1), at(op.moment2), layout.segment_table(),
                       static_cast<std::int64_t>(layout.segments().size()), scalars(op.scalars), op.optimizer,
                       op.weight_decay, at<double>(op.value), riding<EndStep>()});
  }

  void operator()(const DecayGradients& op) const {
    decay_gradients(workspace,
                    {at(op.parameters), at(op.gradients), layout.segment_table(),
                     static_cast<std::int64_t>(layout.segments().size()), op.weight_decay, at<double>(op.value)});
  }

  void operator()(const Dots& op) const {
    dots(workspace, {addresses(op.left), addresses(op.right), shape(op.left[0]).elements(), at<double>(op.values)});
  }

  void operator()(const Combine& op) const {
    combine(workspace,
            {addresses(op.vectors), at<double>(op.coefficients), shape(op.output).elements(), at(op.output)});
  }

  void operator()(const FillUniform& op) const {
    fill_uniform(workspace, at(op.values), shape(op.values).elements(), op.limit, op.seed, op.stream);
  }

  void operator()(const EndStep& op) const { end_step(workspace, arguments(op)); }
};

}  // namespace

ProductAddresses enqueue_copies(const PlannedProduct& product, const PlanResources& resources, Bf16Copies& copies) {
  const Precision precision = resources.products.precision();
  if (precision == Precision::bf16)
    for (const BufferId operand : {product.a, product.b})
      if (const std::size_t index = copies.index_of(operand); copies.must_make(index))
        narrow(resources.workspace, {resources.layout.at(operand), resources.layout.bf16_copy(index),
                                     resources.plan[operand].shape.elements()});
  return addresses_of(product, resources.layout, copies, precision);
}

void enqueue_rest(const FusedOperation& operation, const PlanResources& resources, Bf16Copies& copies) {
  std::visit(Enqueue{resources, operation.rider}, *operation.operation);
  copies.wrote(*operation.operation);
  if (operation.rider) copies.wrote(*operation.rider);
}

void enqueue(const FusedOperation& operation, const PlanResources& resources, Bf16Copies& copies) {
  for (const PlannedProduct& product : products_of(resources.plan, *operation.operation))
    resources.products.multiply(product.shape, enqueue_copies(product, resources, copies));
  enqueue_rest(operation, resources, copies);
}

}  // namespace lacuna::cuda
