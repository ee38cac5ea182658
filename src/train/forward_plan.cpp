#include "lacuna/error.h"
#include "train/plan_builder.h"

namespace lacuna {

StepPlan build_forward_plan(const Network& network, ForwardGoal goal, const Objective& objective, std::int64_t rows,
                            std::int64_t data_rows, DType data_type, std::int64_t ring_capacity) {
  const bool evaluates = goal == ForwardGoal::evaluate, wants_loss = goal == ForwardGoal::loss || evaluates;
  PlanBuilder b(fmt::format("forward[{}]", rows), network, rows, data_rows, data_type, evaluates);
  StepPlan& plan = b.plan;
  const std::size_t count = goal == ForwardGoal::encode ? b.encoder_layers : b.layers.size();
  const BufferId ring = plan.bound(names::kRing, DType::f64, {ring_capacity, kStepLossTerms});
  const BufferId loss = b.value("loss");
  BufferId correct = kNoBuffer;
  const bool classifies = network.classifier && goal != ForwardGoal::encode;
  LACUNA_EXPECTS(!(evaluates && classifies), "a classifier has no code and no output to evaluate");
  const auto output_of = [&](std::size_t i) {
    const Shape shape{rows, b.layers[i].layer.outputs};
    if (b.is_code(i) && (goal == ForwardGoal::encode || evaluates)) return plan.bound(names::kCode, DType::f32, shape);
    if (i + 1 == b.layers.size() && goal != ForwardGoal::loss) return plan.bound(names::kOutput, DType::f32, shape);
    return plan.scratch(b.layers[i].name + ".output", shape);
  };

  const std::int64_t kept = network.encoder.empty() ? 0 : network.code_layer().kept_in_evaluation;
  b.push(BeginStep{b.state, b.scalars, rows, Optimizer{}, KeptUnits{kept, kept, 0}});
  const BufferId labels = b.gather(false, 0, classifies && goal == ForwardGoal::loss);
  BufferId input = b.batch;
  for (std::size_t i = 0; i < count; ++i) {
    const BufferId output = output_of(i);
    if (i + 1 == count && (wants_loss || classifies)) {
      b.product(i, input, output);
    } else {
      CodeSums sums;
      if (b.is_code(i) && wants_loss && !network.classifier)
        sums = {plan.bound(names::kColumnSums, DType::f32, {network.code_units()}),
                plan.bound(names::kColumnAbsSums, DType::f32, {network.code_units()})};
      b.forward(i, input, output, sums);
    }
    input = output;
  }
  if (goal == ForwardGoal::loss && classifies) {
    correct = b.value("correct");
    SoftmaxCrossEntropy op;
    op.product = op.output = input;
    op.bias = b.layers.back().bias;
    op.labels = labels;
    op.scalars = b.scalars;
    op.value = loss;
    op.correct = correct;
    b.push(op);
  } else if (wants_loss) {
    Reconstruction op;
    op.product = input;
    op.bias = b.layers.back().bias_columns;
    op.activation = b.layers.back().layer.activation;
    op.target = b.batch;
    op.loss = objective.loss;
    op.reduction = Reduction::sum;
    op.scalars = b.scalars;
    op.value = loss;
    if (evaluates) op.output = input;
    b.push(op);
  } else if (classifies) {
    b.push(Softmax{input, b.layers.back().bias});
  }
  b.push(EndStep{b.state, b.scalars, loss, kNoBuffer, kNoBuffer, kNoBuffer, correct, ring, plan[b.data].shape[0]});
  return std::move(b.plan);
}

}  // namespace lacuna
