#include <fmt/format.h>

#include <set>
#include <utility>

#include "lacuna/error.h"
#include "lacuna/step_plan.h"

namespace lacuna {

namespace {

/// Checks the buffers of one plan's operations and remembers which operation is being looked at, for messages.
class Validator {
 public:
  explicit Validator(const StepPlan& plan) : plan_(plan) {}

  void operator()(const FillUniform& op) {
    const Scope scope(*this, "fill_uniform");
    expects(present(op.values), "values is missing");
    require(op.values, "values", DType::f32, plan_[op.values].shape);
  }
  void operator()(const BeginStep& op) {
    const Scope scope(*this, "begin_step");
    require(op.state, "state", DType::i64, {3});
    require(op.scalars, "scalars", DType::f32, {kStepScalars});
    expects(op.rows > 0, "rows must be positive");
    expects(op.kept.start >= 0 && op.kept.kept >= 0 && op.kept.anneal_steps >= 0, "kept units cannot be negative");
  }
  void operator()(const Gather& op) {
    const Scope scope(*this, "gather");
    require(op.state, "state", DType::i64, {3});
    const Shape& data = matrix(op.data, "data");
    const DType type = plan_[op.data].dtype;
    expects(type == DType::u8 || type == DType::f32, "the data must be uint8 or float32");
    const Shape& batch = matrix(op.batch, "batch");
    require(op.batch, "batch", DType::f32, {batch[0], data[1]});
    expects(batch[0] <= data[0], "the batch is larger than the data set");
    optional(op.labels, "labels", DType::i32, {data[0]});
    optional(op.batch_labels, "batch_labels", DType::i32, {batch[0]});
    expects((op.labels == kNoBuffer) == (op.batch_labels == kNoBuffer), "labels and batch_labels go together");
  }
  void operator()(const Noise& op) {
    const Scope scope(*this, "noise");
    const Shape& input = matrix(op.input, "input");
    require(op.input, "input", DType::f32, input);
    require(op.output, "output", DType::f32, input);
    require(op.state, "state", DType::i64, {3});
    if (op.kind == NoiseKind::shift) {
      expects(op.image.elements() == input[1], "the samples are no images of these extents");
      expects(op.output != op.input, "an image cannot be moved in place");
      expects(op.amount >= 0 && op.amount < 0x1p15, "the amount is out of range");
      return;
    }
    expects(op.amount >= 0 && (op.kind == NoiseKind::gaussian || op.amount < 1), "the amount is out of range");
  }
  void operator()(const DenseForward& op) {
    const Scope scope(*this, "dense_forward");
    const Shape& input = matrix(op.input, "input");
    const auto [out, in] = extents(op.weight, op.weight_layout);
    require(op.input, "input", DType::f32, {input[0], in});
    require(op.output, "output", DType::f32, {input[0], out});
    optional(op.bias, "bias", DType::f32, {out});
    optional(op.column_sums, "column_sums", DType::f32, {out});
    optional(op.column_abs_sums, "column_abs_sums", DType::f32, {out});
    expects(op.bias != kNoBuffer || (op.activation == Activation::identity && op.column_sums == kNoBuffer &&
                                     op.column_abs_sums == kNoBuffer),
            "a plain product has neither activation nor column sums");
  }
  void operator()(const ConvolutionForward& op) {
    const Scope scope(*this, "convolution_forward");
    check_convolution(op.convolution, op.weight);
    const Shape& input = matrix(op.input, "input");
    require(op.input, "input", DType::f32, {input[0], op.convolution.inputs()});
    require(op.output, "output", DType::f32, {input[0], op.convolution.outputs()});
  }
  void operator()(const ConvolutionBackward& op) {
    const Scope scope(*this, "convolution_backward");
    check_convolution(op.convolution, op.weight);
    const Shape& delta = matrix(op.delta, "delta");
    require(op.delta, "delta", DType::f32, {delta[0], op.convolution.outputs()});
    require(op.input, "input", DType::f32, {delta[0], op.convolution.inputs()});
    require(op.weight_gradient, "weight_gradient", DType::f32, op.convolution.weight_shape());
    optional(op.input_gradient, "input_gradient", DType::f32, {delta[0], op.convolution.inputs()});
  }
  void operator()(const SpreadChannels& op) {
    const Scope scope(*this, "spread_channels");
    check_channels(op.channels, op.columns);
  }
  void operator()(const SumChannels& op) {
    const Scope scope(*this, "sum_channels");
    check_channels(op.channels, op.columns);
  }
  void operator()(const BiasActivation& op) {
    const Scope scope(*this, "bias_activation");
    const Shape& values = matrix(op.values, "values");
    require(op.values, "values", DType::f32, values);
    require(op.bias, "bias", DType::f32, {values[1]});
    optional(op.column_sums, "column_sums", DType::f32, {values[1]});
    optional(op.column_abs_sums, "column_abs_sums", DType::f32, {values[1]});
  }
  void operator()(const TopK& op) {
    const Scope scope(*this, "top_k");
    const Shape& values = matrix(op.values, "values");
    require(op.values, "values", DType::f32, values);
    require(op.scalars, "scalars", DType::f32, {kStepScalars});
    optional(op.kept, "kept", DType::i32, {values[0], (values[1] + 31) / 32});
    optional(op.column_sums, "column_sums", DType::f32, {values[1]});
    optional(op.column_abs_sums, "column_abs_sums", DType::f32, {values[1]});
  }
  void operator()(const Reconstruction& op) {
    const Scope scope(*this, "reconstruction");
    const Shape product = matrix(op.product, "product");
    require(op.target, "target", DType::f32, product);
    require(op.bias, "bias", DType::f32, {product[1]});
    require(op.scalars, "scalars", DType::f32, {kStepScalars});
    require(op.value, "value", DType::f64, {1});
    optional(op.delta, "delta", DType::f32, product);
    optional(op.bias_gradient, "bias_gradient", DType::f32, {product[1]});
    optional(op.output, "output", DType::f32, product);
    expects((op.delta == kNoBuffer) == (op.bias_gradient == kNoBuffer), "delta and bias_gradient go together");
    expects(op.delta == kNoBuffer || op.delta != op.output, "delta and output cannot share a buffer");
    expects(op.loss != Loss::bce || op.activation == Activation::sigmoid, "bce needs a sigmoid output");
  }
  void operator()(const Softmax& op) {
    const Scope scope(*this, "softmax");
    const Shape& logits = matrix(op.logits, "logits");
    require(op.logits, "logits", DType::f32, logits);
    require(op.bias, "bias", DType::f32, {logits[1]});
  }
  void operator()(const SoftmaxCrossEntropy& op) {
    const Scope scope(*this, "softmax_cross_entropy");
    const Shape product = matrix(op.product, "product");
    require(op.product, "product", DType::f32, product);
    require(op.bias, "bias", DType::f32, {product[1]});
    require(op.labels, "labels", DType::i32, {product[0]});
    require(op.scalars, "scalars", DType::f32, {kStepScalars});
    require(op.value, "value", DType::f64, {1});
    optional(op.delta, "delta", DType::f32, product);
    optional(op.bias_gradient, "bias_gradient", DType::f32, {product[1]});
    optional(op.output, "output", DType::f32, product);
    expects((op.delta == kNoBuffer) == (op.bias_gradient == kNoBuffer), "delta and bias_gradient go together");
    expects(op.delta != op.output, "delta and output need buffers of their own, and one must be there");
    optional(op.correct, "correct", DType::f64, {1});
  }
  void operator()(const SparsityPenalty& op) {
    const Scope scope(*this, "sparsity_penalty");
    expects(present(op.column_sums), "column_sums is missing");
    const Shape& units = plan_[op.column_sums].shape;
    expects(units.rank() == 1, "column_sums must be a vector");
    require(op.column_sums, "column_sums", DType::f32, units);
    optional(op.column_abs_sums, "column_abs_sums", DType::f32, units);
    optional(op.column_gradient, "column_gradient", DType::f32, units);
    require(op.scalars, "scalars", DType::f32, {kStepScalars});
    require(op.value, "value", DType::f64, {1});
    require(op.mean_activation, "mean_activation", DType::f64, {1});
    expects(op.positions > 0, "positions must be positive");
    expects(op.kind != Sparsity::l1 || op.column_abs_sums != kNoBuffer, "l1 needs column_abs_sums");
    expects(op.column_gradient == kNoBuffer || op.kind == Sparsity::kl, "only kl has a column gradient");
  }
  void operator()(const ActivationBackward& op) {
    const Scope scope(*this, "activation_backward");
    const Shape gradient = matrix(op.gradient, "gradient");
    require(op.gradient, "gradient", DType::f32, gradient);
    require(op.output, "output", DType::f32, gradient);
    optional(op.column_gradient, "column_gradient", DType::f32, {gradient[1]});
    require(op.bias_gradient, "bias_gradient", DType::f32, {gradient[1]});
    optional(op.kept, "kept", DType::i32, {gradient[0], (gradient[1] + 31) / 32});
    if (op.l1 != 0) require(op.scalars, "scalars", DType::f32, {kStepScalars});
  }
  void operator()(const DenseBackward& op) {
    const Scope scope(*this, "dense_backward");
    const Shape& delta = matrix(op.delta, "delta");
    const auto [out, in] = extents(op.weight, op.weight_layout);
    require(op.delta, "delta", DType::f32, {delta[0], out});
    require(op.input, "input", DType::f32, {delta[0], in});
    optional(op.weight_gradient, "weight_gradient", DType::f32, plan_[op.weight].shape);
    optional(op.input_gradient, "input_gradient", DType::f32, {delta[0], in});
  }
  void operator()(const UpdateParameters& op) {
    const Scope scope(*this, "update_parameters");
    expects(present(op.parameters), "parameters is missing");
    const Shape& slab = plan_[op.parameters].shape;
    require(op.parameters, "parameters", DType::f32, slab);
    require(op.gradients, "gradients", DType::f32, slab);
    const int moments = op.optimizer.moments();
    if (moments > 0) require(op.moment1, "moment1", DType::f32, slab);
    if (moments > 1) require(op.moment2, "moment2", DType::f32, slab);
    require(op.scalars, "scalars", DType::f32, {kStepScalars});
    require(op.value, "value", DType::f64, {1});
    check_ranges(op.ranges, slab.elements());
  }
  void operator()(const DecayGradients& op) {
    const Scope scope(*this, "decay_gradients");
    expects(present(op.parameters), "parameters is missing");
    const Shape& slab = plan_[op.parameters].shape;
    require(op.parameters, "parameters", DType::f32, slab);
    require(op.gradients, "gradients", DType::f32, slab);
    require(op.value, "value", DType::f64, {1});
    check_ranges(op.ranges, slab.elements());
  }
  void operator()(const Dots& op) {
    const Scope scope(*this, "dots");
    expects(!op.left.empty() && !op.right.empty(), "there are no vectors");
    check_vectors(op.left, op.left[0]);
    check_vectors(op.right, op.left[0]);
    require(op.values, "values", DType::f64, {static_cast<std::int64_t>(op.left.size() * op.right.size())});
  }
  void operator()(const Combine& op) {
    const Scope scope(*this, "combine");
    expects(!op.vectors.empty(), "there are no vectors");
    check_vectors(op.vectors, op.vectors[0]);
    check_vectors({op.output}, op.vectors[0]);
    require(op.coefficients, "coefficients", DType::f64, {static_cast<std::int64_t>(op.vectors.size())});
  }
  void operator()(const EndStep& op) {
    const Scope scope(*this, "end_step");
    require(op.state, "state", DType::i64, {3});
    require(op.scalars, "scalars", DType::f32, {kStepScalars});
    require(op.reconstruction, "reconstruction", DType::f64, {1});
    optional(op.sparsity, "sparsity", DType::f64, {1});
    optional(op.weight_decay, "weight_decay", DType::f64, {1});
    optional(op.mean_activation, "mean_activation", DType::f64, {1});
    optional(op.correct, "correct", DType::f64, {1});
    const Shape& ring = matrix(op.ring, "ring");
    require(op.ring, "ring", DType::f64, {ring[0], kStepLossTerms});
    expects(ring[0] > 0 && op.data_rows > 0, "the ring and the data set must not be empty");
  }

 private:
  struct Scope {
    Scope(Validator& validator, const char* name) : validator_(validator) { validator_.operation_ = name; }
    Validator& validator_;
  };

  void expects(bool condition, const std::string& message) const {
    LACUNA_EXPECTS(condition, fmt::format("plan {}, {}: {}", plan_.name, operation_, message));
  }
  bool present(BufferId id) const { return id >= 0 && static_cast<std::size_t>(id) < plan_.buffers.size(); }
  void require(BufferId id, const char* role, DType type, const Shape& shape) const {
    expects(present(id), fmt::format("{} is missing", role));
    const Buffer& buffer = plan_[id];
    expects(buffer.dtype == type && buffer.shape == shape,
            fmt::format("{} ({}) is {} {}, but must be {} {}", role, buffer.name, to_string(buffer.dtype),
                        to_string(buffer.shape), to_string(type), to_string(shape)));
  }
  void optional(BufferId id, const char* role, DType type, const Shape& shape) const {
    if (id != kNoBuffer) require(id, role, type, shape);
  }
  const Shape& matrix(BufferId id, const char* role) const {
    expects(present(id), fmt::format("{} is missing", role));
    expects(plan_[id].shape.rank() == 2, fmt::format("{} must be a matrix", role));
    return plan_[id].shape;
  }
  /// Outputs and inputs of a dense layer's weight.
  std::pair<std::int64_t, std::int64_t> extents(BufferId id, WeightLayout layout) const {
    const Shape& weight = matrix(id, "weight");
    if (layout == WeightLayout::out_in) return {weight[0], weight[1]};
    return {weight[1], weight[0]};
  }
  void check_convolution(const Convolution& convolution, BufferId weight) const {
    expects(convolution.height_out() > 0 && convolution.width_out() > 0, "the output is empty");
    require(weight, "weight", DType::f32, convolution.weight_shape());
  }
  void check_channels(BufferId channels, BufferId columns) const {
    expects(present(channels) && present(columns), "a buffer is missing");
    require(channels, "channels", DType::f32, {plan_[channels].shape.elements()});
    require(columns, "columns", DType::f32, {plan_[columns].shape.elements()});
    expects(plan_[columns].shape[0] % plan_[channels].shape[0] == 0, "columns are not a multiple of channels");
  }
  void check_vectors(const std::vector<BufferId>& ids, BufferId like) const {
    expects(present(like), "a vector is missing");
    for (BufferId id : ids) require(id, "vector", DType::f32, {plan_[like].shape.elements()});
  }
  void check_ranges(const std::vector<UpdateParameters::Range>& ranges, std::int64_t elements) const {
    for (const auto& range : ranges)
      expects(range.offset >= 0 && range.elements >= 0 && range.offset + range.elements <= elements,
              "a range lies outside the slab");
  }

  const StepPlan& plan_;
  const char* operation_ = "";
};

}  // namespace

void StepPlan::validate() const {
  std::set<std::string> names;
  for (const Buffer& buffer : buffers)
    LACUNA_EXPECTS(names.insert(buffer.name).second,
                   fmt::format("plan {} has two buffers named {}", name, buffer.name));
  Validator validator(*this);
  for (const Operation& operation : operations) std::visit(validator, operation);
}

}  // namespace lacuna
