#include "lacuna/step_plan.h"

#include <fmt/format.h>

#include <set>

#include "lacuna/error.h"

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
    require(op.scalars, "scalars", DType::f32, {4});
    expects(op.rows > 0, "rows must be positive");
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
  }
  void operator()(const DenseForward& op) {
    const Scope scope(*this, "dense_forward");
    const Shape& input = matrix(op.input, "input");
    const Shape& weight = matrix(op.weight, "weight");
    require(op.input, "input", DType::f32, {input[0], weight[1]});
    require(op.output, "output", DType::f32, {input[0], weight[0]});
    optional(op.bias, "bias", DType::f32, {weight[0]});
    optional(op.column_sums, "column_sums", DType::f32, {weight[0]});
    optional(op.column_abs_sums, "column_abs_sums", DType::f32, {weight[0]});
    expects(op.bias != kNoBuffer || (op.activation == Activation::identity && op.column_sums == kNoBuffer &&
                                     op.column_abs_sums == kNoBuffer),
            "a plain product has neither activation nor column sums");
  }
  void operator()(const Reconstruction& op) {
    const Scope scope(*this, "reconstruction");
    const Shape product = matrix(op.product, "product");
    require(op.target, "target", DType::f32, product);
    require(op.bias, "bias", DType::f32, {product[1]});
    require(op.scalars, "scalars", DType::f32, {4});
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
    require(op.scalars, "scalars", DType::f32, {4});
    require(op.value, "value", DType::f64, {1});
    optional(op.delta, "delta", DType::f32, product);
    optional(op.bias_gradient, "bias_gradient", DType::f32, {product[1]});
    optional(op.output, "output", DType::f32, product);
    expects((op.delta == kNoBuffer) == (op.bias_gradient == kNoBuffer), "delta and bias_gradient go together");
    expects(op.delta != op.output, "delta and output need buffers of their own, and one must be there");
  }
  void operator()(const SparsityPenalty& op) {
    const Scope scope(*this, "sparsity_penalty");
    expects(present(op.column_sums), "column_sums is missing");
    const Shape& units = plan_[op.column_sums].shape;
    expects(units.rank() == 1, "column_sums must be a vector");
    require(op.column_sums, "column_sums", DType::f32, units);
    optional(op.column_abs_sums, "column_abs_sums", DType::f32, units);
    optional(op.column_gradient, "column_gradient", DType::f32, units);
    require(op.scalars, "scalars", DType::f32, {4});
    require(op.value, "value", DType::f64, {1});
    require(op.mean_activation, "mean_activation", DType::f64, {1});
    expects(op.kind != Sparsity::topk, "topk is not a penalty");
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
    if (op.l1 != 0) require(op.scalars, "scalars", DType::f32, {4});
  }
  void operator()(const DenseBackward& op) {
    const Scope scope(*this, "dense_backward");
    const Shape& delta = matrix(op.delta, "delta");
    const Shape& weight = matrix(op.weight, "weight");
    require(op.delta, "delta", DType::f32, {delta[0], weight[0]});
    require(op.input, "input", DType::f32, {delta[0], weight[1]});
    require(op.weight_gradient, "weight_gradient", DType::f32, weight);
    optional(op.input_gradient, "input_gradient", DType::f32, {delta[0], weight[1]});
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
    require(op.scalars, "scalars", DType::f32, {4});
    require(op.value, "value", DType::f64, {1});
    check_ranges(op.ranges, slab.elements());
  }
  void operator()(const EndStep& op) {
    const Scope scope(*this, "end_step");
    require(op.state, "state", DType::i64, {3});
    require(op.scalars, "scalars", DType::f32, {4});
    require(op.reconstruction, "reconstruction", DType::f64, {1});
    optional(op.sparsity, "sparsity", DType::f64, {1});
    optional(op.weight_decay, "weight_decay", DType::f64, {1});
    optional(op.mean_activation, "mean_activation", DType::f64, {1});
    const Shape& ring = matrix(op.ring, "ring");
    require(op.ring, "ring", DType::f64, {ring[0], 5});
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
  void check_ranges(const std::vector<UpdateParameters::Range>& ranges, std::int64_t elements) const {
    for (const auto& range : ranges)
      expects(range.offset >= 0 && range.elements >= 0 && range.offset + range.elements <= elements,
              "a range lies outside the slab");
  }

  const StepPlan& plan_;
  const char* operation_ = "";
};

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

void StepPlan::validate() const {
  std::set<std::string> names;
  for (const Buffer& buffer : buffers)
    LACUNA_EXPECTS(names.insert(buffer.name).second,
                   fmt::format("plan {} has two buffers named {}", name, buffer.name));
  Validator validator(*this);
  for (const Operation& operation : operations) std::visit(validator, operation);
}

std::string StepPlan::describe() const {
  std::string text = name + "\n";
  for (const Operation& operation : operations) text += "  " + std::visit(Describer{*this}, operation) + "\n";
  return text;
}

}  // namespace lacuna
