#include "train/plans.h"

#include <fmt/format.h>

namespace lacuna {

namespace {

/// What every plan begins with: the data set, the parameters and the state, bound; and the batch.
struct PlanBuilder {
  StepPlan plan;
  ParameterLayout layout;
  std::vector<Layer> layers;        // encoder, then decoder
  std::size_t code = 0;             // index of the layer whose output is the code
  std::vector<std::string> prefix;  // "encoder.0", ...
  BufferId data, state, scalars, parameters, batch;
  std::int64_t rows;

  PlanBuilder(std::string name, const Network& network, std::int64_t batch_rows, std::int64_t data_rows,
              DType data_type)
      : layout(network), rows(batch_rows) {
    plan.name = std::move(name);
    for (std::size_t i = 0; i < network.encoder.size(); ++i) prefix.push_back(fmt::format("encoder.{}", i));
    for (std::size_t i = 0; i < network.decoder.size(); ++i) prefix.push_back(fmt::format("decoder.{}", i));
    layers = network.encoder;
    layers.insert(layers.end(), network.decoder.begin(), network.decoder.end());
    code = network.encoder.size() - 1;
    data = plan.bound(names::kData, data_type, {data_rows, network.features()});
    state = plan.bound(names::kState, DType::i64, {3});
    scalars = plan.bound(names::kScalars, DType::f32, {4});
    parameters = plan.bound(names::kParameters, DType::f32, {layout.slab_elements()});
    batch = plan.scratch("batch", {rows, network.features()});
  }

  BufferId parameter(BufferId slab, const std::string& slab_name, const std::string& name) {
    const Parameter& found = layout[name];
    return plan.slice(slab_name + name, slab, found.offset, found.shape);
  }
  BufferId weight(std::size_t layer) { return parameter(parameters, "", prefix[layer] + ".weight"); }
  BufferId bias(std::size_t layer) { return parameter(parameters, "", prefix[layer] + ".bias"); }

  std::vector<UpdateParameters::Range> ranges() const {
    std::vector<UpdateParameters::Range> result;
    for (const Parameter& p : layout.parameters()) result.push_back({p.offset, p.elements(), p.decays});
    return result;
  }
};

SparsityPenalty sparsity_of(const Objective& objective) {
  SparsityPenalty op;
  op.kind = objective.sparsity;
  op.rho = objective.rho;
  op.beta = objective.beta;
  op.l1 = objective.l1;
  return op;
}

}  // namespace

StepPlan build_training_plan(const Network& network, const TrainerOptions& options, std::int64_t rows,
                             std::int64_t data_rows, DType data_type, std::int64_t ring_capacity) {
  const Objective& objective = options.objective;
  PlanBuilder b(fmt::format("train[{}]", rows), network, rows, data_rows, data_type);
  StepPlan& plan = b.plan;
  const std::size_t depth = b.layers.size();
  const bool kl = objective.sparsity == Sparsity::kl;
  const bool l1 = objective.sparsity == Sparsity::l1;

  const BufferId gradients = plan.bound(names::kGradients, DType::f32, {b.layout.slab_elements()});
  const BufferId ring = plan.bound(names::kRing, DType::f64, {ring_capacity, 5});
  const BufferId column_sums = plan.scratch(names::kColumnSums, {network.code_units()});
  const BufferId column_abs_sums = l1 ? plan.scratch(names::kColumnAbsSums, {network.code_units()}) : kNoBuffer;
  const BufferId column_gradient = kl ? plan.scratch("column_gradient", {network.code_units()}) : kNoBuffer;
  const auto value = [&](const char* name) { return plan.scratch(name, {1}, DType::f64); };
  const BufferId reconstruction = value("reconstruction"), sparsity = value("sparsity"),
                 weight_decay = value("weight_decay"), mean_activation = value("mean_activation");

  std::vector<BufferId> weights(depth), outputs(depth);  // outputs.back() is the plain product, then its delta
  for (std::size_t i = 0; i < depth; ++i) {
    weights[i] = b.weight(i);
    outputs[i] = plan.scratch(fmt::format("{}.output", b.prefix[i]), {rows, b.layers[i].outputs});
  }
  const auto input_of = [&](std::size_t i) { return i == 0 ? b.batch : outputs[i - 1]; };
  const auto gradient_of = [&](std::size_t i, const char* kind) {
    return b.parameter(gradients, "gradient.", b.prefix[i] + kind);
  };

  plan.operations.push_back(BeginStep{b.state, b.scalars, rows, options.optimizer});
  plan.operations.push_back(Gather{b.data, b.state, b.batch, options.shuffle, options.seed});

  const std::size_t last = depth - 1;
  BufferId last_bias = kNoBuffer;
  for (std::size_t i = 0; i < depth; ++i) {
    DenseForward op;
    op.input = input_of(i);
    op.weight = weights[i];
    op.output = outputs[i];
    const BufferId bias = b.bias(i);
    if (i == last) {
      last_bias = bias;
    } else {
      op.bias = bias;
      op.activation = b.layers[i].activation;
    }
    if (i == b.code) {
      op.column_sums = column_sums;
      op.column_abs_sums = column_abs_sums;
    }
    plan.operations.push_back(op);
  }

  SparsityPenalty penalty = sparsity_of(objective);
  penalty.column_sums = column_sums;
  penalty.column_abs_sums = column_abs_sums;
  penalty.column_gradient = column_gradient;
  penalty.scalars = b.scalars;
  penalty.value = sparsity;
  penalty.mean_activation = mean_activation;
  plan.operations.push_back(penalty);

  Reconstruction loss;
  loss.product = outputs[last];
  loss.bias = last_bias;
  loss.activation = b.layers[last].activation;
  loss.target = b.batch;
  loss.loss = objective.loss;
  loss.reduction = objective.reduction;
  loss.scalars = b.scalars;
  loss.value = reconstruction;
  loss.delta = outputs[last];
  loss.bias_gradient = gradient_of(last, ".bias");
  plan.operations.push_back(loss);

  BufferId delta = outputs[last];
  for (std::size_t i = depth; i-- > 0;) {
    DenseBackward product;
    product.delta = delta;
    product.input = input_of(i);
    product.weight = weights[i];
    product.weight_gradient = gradient_of(i, ".weight");
    if (i > 0)
      product.input_gradient = plan.scratch(fmt::format("{}.delta", b.prefix[i - 1]), {rows, b.layers[i].inputs});
    plan.operations.push_back(product);
    if (i == 0) break;

    ActivationBackward activation;
    activation.gradient = product.input_gradient;
    activation.output = outputs[i - 1];
    activation.activation = b.layers[i - 1].activation;
    activation.bias_gradient = gradient_of(i - 1, ".bias");
    if (i - 1 == b.code) {
      activation.column_gradient = column_gradient;
      activation.l1 = l1 ? objective.l1 : 0.0;
      activation.scalars = b.scalars;
    }
    plan.operations.push_back(activation);
    delta = product.input_gradient;
  }

  UpdateParameters update;
  update.parameters = b.parameters;
  update.gradients = gradients;
  const Shape slab{b.layout.slab_elements()};
  if (options.optimizer.moments() > 0) update.moment1 = plan.bound(names::kMoment1, DType::f32, slab);
  if (options.optimizer.moments() > 1) update.moment2 = plan.bound(names::kMoment2, DType::f32, slab);
  update.scalars = b.scalars;
  update.ranges = b.ranges();
  update.optimizer = options.optimizer;
  update.weight_decay = objective.weight_decay;
  update.value = weight_decay;
  plan.operations.push_back(update);

  plan.operations.push_back(
      EndStep{b.state, b.scalars, reconstruction, sparsity, weight_decay, mean_activation, ring, data_rows});
  return std::move(b.plan);
}

StepPlan build_forward_plan(const Network& network, ForwardGoal goal, const Objective& objective, std::int64_t rows,
                            std::int64_t data_rows, DType data_type, std::int64_t ring_capacity) {
  PlanBuilder b(fmt::format("forward[{}]", rows), network, rows, data_rows, data_type);
  StepPlan& plan = b.plan;
  const std::size_t last = goal == ForwardGoal::encode ? b.code : b.layers.size() - 1;
  const BufferId ring = plan.bound(names::kRing, DType::f64, {ring_capacity, 5});
  const BufferId reconstruction = plan.scratch("reconstruction", {1}, DType::f64);
  const Shape units{network.code_units()};

  plan.operations.push_back(BeginStep{b.state, b.scalars, rows, Optimizer{}});
  plan.operations.push_back(Gather{b.data, b.state, b.batch, false, 0});
  BufferId input = b.batch;
  for (std::size_t i = 0; i <= last; ++i) {
    const Shape shape{rows, b.layers[i].outputs};
    DenseForward op;
    op.input = input;
    op.weight = b.weight(i);
    const BufferId bias = b.bias(i);
    const bool wanted = i == last && goal != ForwardGoal::loss;
    const bool product = i == last && goal == ForwardGoal::loss;
    op.output = wanted ? plan.bound(goal == ForwardGoal::encode ? names::kCode : names::kOutput, DType::f32, shape)
                       : plan.scratch(fmt::format("{}.output", b.prefix[i]), shape);
    if (!product) {
      op.bias = bias;
      op.activation = b.layers[i].activation;
    }
    if (i == b.code && goal == ForwardGoal::loss) {
      op.column_sums = plan.bound(names::kColumnSums, DType::f32, units);
      op.column_abs_sums = plan.bound(names::kColumnAbsSums, DType::f32, units);
    }
    plan.operations.push_back(op);
    input = op.output;
    if (product) {
      Reconstruction loss;
      loss.product = op.output;
      loss.bias = bias;
      loss.activation = b.layers[i].activation;
      loss.target = b.batch;
      loss.loss = objective.loss;
      loss.reduction = Reduction::sum;
      loss.scalars = b.scalars;
      loss.value = reconstruction;
      plan.operations.push_back(loss);
    }
  }
  plan.operations.push_back(
      EndStep{b.state, b.scalars, reconstruction, kNoBuffer, kNoBuffer, kNoBuffer, ring, data_rows});
  return std::move(b.plan);
}

}  // namespace lacuna
