#include "step_sequence.h"

#include <algorithm>

namespace lacuna::cuda {

namespace {

template <class Main, class Rider>
const Main* pair_of(const FusedOperation& fused) {
  return fused.rider && std::holds_alternative<Rider>(*fused.rider) ? std::get_if<Main>(fused.operation) : nullptr;
}

/// The same, for launches that are not programmatic: those that depend on more than the kernel in front of them in
/// their stream, as behind a join, or on one of another stream, as behind a fork. Only of a chain of kernels in one
/// stream is it plain what a wait within a kernel waits for.
PlanResources waiting(PlanResources resources) {
  resources.workspace.programmatic = false;
  return resources;
}

bool is_step_of_training(const StepPlan& plan, const std::vector<FusedOperation>& operations) {
  if (operations.size() < 2) return false;
  const auto* gather = pair_of<Gather, BeginStep>(operations.front());
  if (!gather || !pair_of<UpdateParameters, EndStep>(operations.back())) return false;
  const auto is_scratch = [&](BufferId id) { return id == kNoBuffer || plan[id].kind == Buffer::Kind::scratch; };
  return is_scratch(gather->batch) && is_scratch(gather->batch_labels);
}

}  // namespace

StepSequence::StepSequence(const StepPlan& plan, bool ahead)
    : plan_(plan), operations_(fuse(plan)), trains_(is_step_of_training(plan, operations_)), ahead_(trains_ && ahead) {}

std::vector<BufferId> StepSequence::doubled() const {
  if (!ahead_) return {};
  if (gather().batch_labels == kNoBuffer) return {gather().batch};
  return {gather().batch, gather().batch_labels};
}

std::int64_t StepSequence::longest() const {
  if (!trains_) return 1;
  const std::int64_t rows = plan_[gather().batch].shape[0], data_rows = plan_[gather().data].shape[0];
  return (data_rows + rows - 1) / rows;
}

void StepSequence::enqueue(std::int64_t steps, const PlanResources& resources, const Branch& branch) const {
  if (ahead_ && steps > 1) return enqueue_gathering_ahead(steps, resources, branch);
  for (std::int64_t step = 0; step < steps; ++step) {
    Bf16Copies copies(plan_);
    for (const FusedOperation& operation : operations_) {
      // In front of the first kernel of a graph there is none.
      const bool first = step == 0 && &operation == &operations_.front();
      cuda::enqueue(operation, first ? waiting(resources) : resources, copies);
    }
  }
}

void StepSequence::enqueue_gathering_ahead(std::int64_t steps, const PlanResources& resources,
                                           const Branch& branch) const {
  const PlanLayout odd_layout = resources.layout.of_odd_steps();
  const PlanResources even = resources;
  const PlanResources odd{even.plan, odd_layout, even.products, even.convolutions, even.workspace};
  // Of each step: none outlasts it, as after the update its weights are others and so is the batch.
  std::vector<Bf16Copies> copies(static_cast<std::size_t>(steps), Bf16Copies(plan_));
  cuda::enqueue(operations_.front(), waiting(even), copies.front());
  for (std::int64_t step = 0; step < steps; ++step) {
    const PlanResources &own = step % 2 == 0 ? even : odd, &other = step % 2 == 0 ? odd : even;
    const auto index = static_cast<std::size_t>(step);
    const bool goes_on = step + 1 < steps;
    if (goes_on) {
      PlanResources ahead = waiting(other);
      ahead.workspace.stream = branch.stream();
      ahead.gathers_ahead = true;
      branch.fork();
      cuda::enqueue(operations_.front(), ahead, copies[index + 1]);
    }
    std::for_each(operations_.begin() + 1, operations_.end() - 1,
                  [&](const FusedOperation& operation) { cuda::enqueue(operation, own, copies[index]); });
    if (goes_on) branch.join();
    PlanResources end = goes_on ? waiting(own) : own;
    end.begins_next_step = goes_on;
    cuda::enqueue(operations_.back(), end, copies[index]);
  }
}

}  // namespace lacuna::cuda
