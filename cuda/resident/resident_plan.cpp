#include "resident/resident_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

namespace lacuna::cuda {

namespace {

template <class Op>
std::int64_t count(const StepPlan& plan) {
  return std::ranges::count_if(plan.operations, [](const Operation& op) { return std::holds_alternative<Op>(op); });
}

/// What a plan has that this engine has no part for; empty if nothing.
std::string foreign_part(const StepPlan& plan) {
  if (count<DecayGradients>(plan) > 0) return "it descends with lbfgs: it runs sgd and adam";
  if (count<SoftmaxCrossEntropy>(plan) > 0) return "the network is a classifier: it runs autoencoders";
  if (count<ConvolutionForward>(plan) > 0) return "the network has convolutions: it runs dense layers";
  if (count<TopK>(plan) > 0) return "the code keeps the k largest: it runs the penalties kl, l1 and none";
  if (count<Noise>(plan) > 0) return "there is noise or dropout: it runs neither";
  if (const auto layers = count<DenseForward>(plan); layers != 2)
    return fmt::format("the network has {} layers: it runs one hidden layer", layers);
  for (const Operation& operation : plan.operations)
    if (const auto* forward = std::get_if<DenseForward>(&operation))
      if (forward->weight_layout != WeightLayout::out_in)
        return "the weights are tied: it runs two matrices of weights";
  if (count<DenseBackward>(plan) != 2) return "there are frozen layers: it trains all";
  if (count<UpdateParameters>(plan) != 1) return "it does not end with an update of parameters";
  return {};
}

/// Matches the operations of a plan one after another.
class Reader {
 public:
  explicit Reader(const StepPlan& plan) : plan_(plan) {}

  template <class Op>
  bool next(Op& to) {
    if (at_ >= plan_.operations.size()) return false;
    const auto* op = std::get_if<Op>(&plan_.operations[at_++]);
    if (op) to = *op;
    return op != nullptr;
  }
  bool at_end() const { return at_ == plan_.operations.size(); }

 private:
  const StepPlan& plan_;
  std::size_t at_ = 0;
};

/// Weights, which decay, and biases, which do not, of both layers: no more and no less.
bool updates_all(const StepPlan& plan, const ResidentPlan& p) {
  const std::pair<BufferId, bool> parameters[] = {
      {p.encoder.weight, true}, {p.encoder.bias, false}, {p.decoder.weight, true}, {p.reconstruction.bias, false}};
  if (p.update.ranges.size() != std::size(parameters)) return false;
  return std::ranges::all_of(parameters, [&](const auto& parameter) {
    const Buffer& slice = plan[parameter.first];
    return std::ranges::any_of(p.update.ranges, [&](const UpdateParameters::Range& range) {
      return range.offset == slice.offset && range.elements == slice.shape.elements() &&
             range.decays == parameter.second;
    });
  });
}

bool fits_together(const StepPlan& plan, const ResidentPlan& p, const DenseBackward& back2,
                   const ActivationBackward& hidden, const DenseBackward& back1) {
  return p.encoder.input == p.gather.batch && p.gather.labels == kNoBuffer && p.decoder.input == p.encoder.output &&
         p.decoder.bias == kNoBuffer && p.reconstruction.product == p.decoder.output &&
         p.reconstruction.target == p.gather.batch && p.reconstruction.delta == back2.delta &&
         back2.input == p.encoder.output && back2.weight == p.decoder.weight &&
         back2.input_gradient == hidden.gradient && hidden.output == p.encoder.output && hidden.kept == kNoBuffer &&
         back1.delta == hidden.gradient && back1.input == p.gather.batch && back1.input_gradient == kNoBuffer &&
         p.penalty.column_sums == p.encoder.column_sums && p.penalty.positions == 1 && updates_all(plan, p);
}

}  // namespace

bool is_training_step(const StepPlan& plan) {
  return count<UpdateParameters>(plan) + count<DecayGradients>(plan) > 0;
}

bool read_resident_plan(const StepPlan& plan, ResidentPlan& to, std::string& why) {
  why = foreign_part(plan);
  if (!why.empty()) return false;
  Reader reader(plan);
  BeginStep begin;
  DenseBackward back1, back2;
  ActivationBackward hidden;
  const bool in_order = reader.next(begin) && reader.next(to.gather) && reader.next(to.encoder) &&
                        reader.next(to.decoder) && reader.next(to.penalty) && reader.next(to.reconstruction) &&
                        reader.next(back2) && reader.next(hidden) && reader.next(back1) && reader.next(to.update) &&
                        reader.next(to.end) && reader.at_end();
  if (!in_order || !fits_together(plan, to, back2, hidden, back1)) {
    why = "its operations are not those of a dense autoencoder's step";
    return false;
  }
  if (plan[to.gather.data].shape[0] > std::numeric_limits<std::int32_t>::max()) {
    why = "the data set has more than 2^31 samples";
    return false;
  }
  return true;
}

}  // namespace lacuna::cuda
