#include <algorithm>

#include "train/plan_builder.h"

namespace lacuna {

namespace {

/// Streams of the noise's random numbers: the input has the first, each layer's dropout one of its own.
constexpr std::uint32_t kInputStream = 0, kFirstDropoutStream = 1;

SparsityPenalty sparsity_of(const Objective& objective) {
  SparsityPenalty op;
  op.kind = objective.sparsity;
  op.rho = objective.rho;
  op.beta = objective.beta;
  op.l1 = objective.l1;
  return op;
}

/// A training step, part by part.
class TrainingPlan {
 public:
  TrainingPlan(const Network& network, const TrainerOptions& options, std::int64_t rows, std::int64_t data_rows,
               DType data_type)
      : network_(network),
        options_(options),
        objective_(options.objective),
        b_(fmt::format("train[{}]", rows), network, rows, data_rows, data_type),
        gradients_(b_.plan.bound(names::kGradients, DType::f32, {b_.layout.slab_elements()})) {}

  StepPlan build(StepGoal goal, std::int64_t ring_capacity) {
    const BufferId ring = b_.plan.bound(names::kRing, DType::f64, {ring_capacity, kStepLossTerms});
    const std::int64_t data_rows = b_.plan[b_.data].shape[0];
    b_.push(BeginStep{b_.state, b_.scalars, b_.rows, options_.optimizer, kept_units()});
    labels_ = b_.gather(options_.shuffle && goal == StepGoal::update, options_.seed, network_.classifier.has_value());
    loss_ = b_.value(network_.classifier ? "cross_entropy" : "reconstruction");
    run_forward();
    if (network_.classifier) {
      classify();
    } else {
      penalize();
      reconstruct();
    }
    run_backward();
    weight_decay_ = b_.value("weight_decay");
    goal == StepGoal::update ? update() : decay();
    b_.push(
        EndStep{b_.state, b_.scalars, loss_, sparsity_, weight_decay_, mean_activation_, correct_, ring, data_rows});
    return std::move(b_.plan);
  }

 private:
  KeptUnits kept_units() const {
    if (network_.encoder.empty() || network_.code_layer().kept == 0) return {};
    const std::int64_t kept = network_.code_layer().kept;
    return {std::min(std::max(options_.kept_at_start, kept), network_.code_layer().outputs), kept,
            options_.anneal_steps};
  }

  /// The output of layer i, or the batch, as the next layer sees it.
  BufferId with_noise(BufferId values, const std::string& name, NoiseKind kind, double amount, std::uint32_t stream,
                      const ImageExtents& image = {}) {
    if (amount == 0) return values;
    const BufferId noisy = b_.plan.scratch(name, b_.plan[values].shape);
    b_.push(Noise{kind, amount, values, noisy, b_.state, options_.seed, stream, image});
    return noisy;
  }

  void run_forward() {
    BufferId input =
        with_noise(b_.batch, "noisy_batch", options_.noise.kind, options_.noise.amount, kInputStream, options_.image);
    for (std::size_t i = 0; i < b_.layers.size(); ++i) {
      PlanLayer& l = b_.layers[i];
      const BufferId output = b_.plan.scratch(l.name + ".output", {b_.rows, l.layer.outputs});
      if (i + 1 == b_.layers.size()) return b_.product(i, input, output);
      if (l.layer.kept > 0)
        l.kept = b_.plan.scratch(l.name + ".kept", {b_.rows, (l.layer.outputs + 31) / 32}, DType::i32);
      if (b_.is_code(i) && !network_.classifier) {
        sums_.sums = b_.plan.scratch(names::kColumnSums, {l.layer.outputs});
        if (objective_.sparsity == Sparsity::l1)
          sums_.abs_sums = b_.plan.scratch(names::kColumnAbsSums, {l.layer.outputs});
      }
      b_.forward(i, input, output, b_.is_code(i) ? sums_ : CodeSums{});
      l.dropout = options_.dropout > 0;
      input = with_noise(output, l.name + ".dropped", NoiseKind::dropout, options_.dropout, dropout_stream(i));
    }
  }

  static std::uint32_t dropout_stream(std::size_t layer) {
    return kFirstDropoutStream + static_cast<std::uint32_t>(layer);
  }

  void penalize() {
    const Layer& code = network_.code_layer();
    SparsityPenalty op = sparsity_of(objective_);
    op.positions = code.positions();
    op.column_sums = b_.by_channel(code, sums_.sums, "channel_sums");
    op.column_abs_sums = b_.by_channel(code, sums_.abs_sums, "channel_abs_sums");
    op.scalars = b_.scalars;
    op.value = sparsity_ = b_.value("sparsity");
    op.mean_activation = mean_activation_ = b_.value("mean_activation");
    if (objective_.sparsity == Sparsity::kl)
      op.column_gradient = column_gradient_ = b_.plan.scratch("column_gradient", {code.channels()});
    b_.push(op);
    if (column_gradient_ == kNoBuffer || code.positions() == 1) return;
    const BufferId columns = b_.plan.scratch("column_gradient_columns", {code.outputs});
    b_.push(SpreadChannels{column_gradient_, columns});
    column_gradient_ = columns;
  }

  void reconstruct() {
    PlanLayer& last = b_.layers.back();
    Reconstruction op;
    op.product = op.delta = last.output;
    op.bias = last.bias_columns;
    op.activation = last.layer.activation;
    op.target = b_.batch;
    op.loss = objective_.loss;
    op.reduction = objective_.reduction;
    op.scalars = b_.scalars;
    op.value = loss_;
    op.bias_gradient = bias_gradient(last);
    b_.push(op);
    finish_bias_gradient(last, op.bias_gradient);
    last.gradient = last.output;
  }

  void classify() {
    PlanLayer& last = b_.layers.back();
    SoftmaxCrossEntropy op;
    op.product = op.delta = last.output;
    op.bias = last.bias;
    op.labels = labels_;
    op.scalars = b_.scalars;
    op.value = loss_;
    op.bias_gradient = bias_gradient(last);
    op.correct = correct_ = b_.value("correct");
    b_.push(op);
    last.gradient = last.output;
  }

  void run_backward() {
    for (std::size_t i = b_.layers.size(); i-- > 0;) {
      const bool first = i == static_cast<std::size_t>(options_.frozen_layers);
      const BufferId input_gradient =
          first ? kNoBuffer : b_.plan.scratch(b_.layers[i - 1].name + ".delta", {b_.rows, b_.layers[i].layer.inputs});
      backward_product(b_.layers[i], input_gradient);
      if (first) return;
      b_.layers[i - 1].gradient = input_gradient;
      backward_activation(i - 1);
    }
  }

  void backward_product(const PlanLayer& l, BufferId input_gradient) {
    if (l.layer.convolution)
      return b_.push(
          ConvolutionBackward{*l.layer.convolution, l.gradient, l.input, l.weight, weight_gradient(l), input_gradient});
    DenseBackward op{l.gradient, l.input, l.weight, weight_gradient(l), input_gradient, l.weight_layout};
    // The decoder comes first on the way back, and the encoder's gradient joins what it has written.
    op.accumulate = network_.tied && !l.tied;
    b_.push(op);
  }

  void backward_activation(std::size_t i) {
    PlanLayer& l = b_.layers[i];
    if (l.dropout)
      b_.push(Noise{NoiseKind::dropout, options_.dropout, l.gradient, l.gradient, b_.state, options_.seed,
                    dropout_stream(i)});
    ActivationBackward op;
    op.gradient = l.gradient;
    op.output = l.output;
    op.activation = l.layer.activation;
    op.bias_gradient = bias_gradient(l);
    op.kept = l.kept;
    if (b_.is_code(i) && !network_.classifier) {
      op.column_gradient = column_gradient_;
      op.l1 = objective_.sparsity == Sparsity::l1 ? objective_.l1 : 0.0;
      op.scalars = b_.scalars;
    }
    b_.push(op);
    finish_bias_gradient(l, op.bias_gradient);
  }

  BufferId weight_gradient(const PlanLayer& l) { return gradient_of(l.name + ".weight"); }
  BufferId gradient_of(const std::string& name) { return b_.parameter(gradients_, "gradient.", b_.layout[name]); }
  /// Where a bias gradient by columns goes: a channel's is summed up afterwards.
  BufferId bias_gradient(const PlanLayer& l) {
    if (l.layer.positions() == 1) return gradient_of(l.name + ".bias");
    return b_.plan.scratch(l.name + ".bias_gradient_columns", {l.layer.outputs});
  }
  void finish_bias_gradient(const PlanLayer& l, BufferId columns) {
    if (l.layer.positions() > 1) b_.push(SumChannels{columns, gradient_of(l.name + ".bias")});
  }

  /// The parameters that are trained: those of layers above the frozen ones.
  std::vector<UpdateParameters::Range> trained_ranges() const {
    const std::size_t frozen = 2 * static_cast<std::size_t>(options_.frozen_layers);
    std::vector<UpdateParameters::Range> ranges;
    const auto& parameters = b_.layout.parameters();
    for (std::size_t i = frozen; i < parameters.size(); ++i)
      if (const Parameter& p = parameters[i]; p.alias_of.empty()) ranges.push_back({p.offset, p.elements(), p.decays});
    return ranges;
  }

  void update() {
    UpdateParameters op;
    op.parameters = b_.parameters;
    op.gradients = gradients_;
    const Shape slab{b_.layout.slab_elements()};
    if (options_.optimizer.moments() > 0) op.moment1 = b_.plan.bound(names::kMoment1, DType::f32, slab);
    if (options_.optimizer.moments() > 1) op.moment2 = b_.plan.bound(names::kMoment2, DType::f32, slab);
    op.scalars = b_.scalars;
    op.ranges = trained_ranges();
    op.optimizer = options_.optimizer;
    op.weight_decay = objective_.weight_decay;
    op.value = weight_decay_;
    b_.push(std::move(op));
  }

  void decay() {
    b_.push(DecayGradients{b_.parameters, gradients_, trained_ranges(), objective_.weight_decay, weight_decay_});
  }

  const Network& network_;
  const TrainerOptions& options_;
  const Objective& objective_;
  PlanBuilder b_;
  BufferId gradients_, labels_ = kNoBuffer;
  CodeSums sums_;
  BufferId column_gradient_ = kNoBuffer;
  BufferId loss_ = kNoBuffer, sparsity_ = kNoBuffer, weight_decay_ = kNoBuffer, mean_activation_ = kNoBuffer,
           correct_ = kNoBuffer;
};

}  // namespace

StepPlan build_training_plan(const Network& network, const TrainerOptions& options, std::int64_t rows,
                             std::int64_t data_rows, DType data_type, std::int64_t ring_capacity) {
  return TrainingPlan(network, options, rows, data_rows, data_type).build(StepGoal::update, ring_capacity);
}

StepPlan build_objective_plan(const Network& network, const TrainerOptions& options, std::int64_t data_rows,
                              DType data_type) {
  return TrainingPlan(network, options, data_rows, data_rows, data_type).build(StepGoal::objective, 1);
}

}  // namespace lacuna
