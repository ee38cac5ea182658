#pragma once

#include <vector>

#include "enqueue.h"
#include "runtime/branch.h"

namespace lacuna::cuda {

/// Steps of one plan, one after another on a stream. Where a step begins with the gathering of its batch and ends with
/// an update of the parameters, the batch of the next step is gathered beside the current one, on a branch:
///
///   gather 0 --+-- products, losses, gradients of step 0 --+-- update --+-- products, ... of step 1 --+-- update ...
///              +-- gather 1 -------------------------------+            +-- gather 2 -----------------+
///
/// It reads where the current step stands, so it must be through before the update moves that on; it writes the copy of
/// the batch that the current step does not read. Nothing of it lasts from one sequence to the next.
class StepSequence {
 public:
  /// Without `ahead` each batch is gathered before its step.
  explicit StepSequence(const StepPlan& plan, bool ahead = true);

  /// What must be there twice; even if an epoch is one step, so that memory is in proportion to the batch and a batch
  /// that fits can be named where this one does not.
  std::vector<BufferId> doubled() const;
  /// The most steps that are worth a sequence: as many as an epoch has, or one where nothing is trained.
  std::int64_t longest() const;

  /// Of one step, in order.
  const std::vector<FusedOperation>& operations() const { return operations_; }

  /// Puts `steps` steps on the stream of these resources, and what may run beside them on the branch from it.
  void enqueue(std::int64_t steps, const PlanResources& resources, const Branch& branch) const;

 private:
  void enqueue_gathering_ahead(std::int64_t steps, const PlanResources& resources, const Branch& branch) const;
  const Gather& gather() const { return std::get<Gather>(*operations_.front().operation); }

  const StepPlan& plan_;
  std::vector<FusedOperation> operations_;
  bool trains_, ahead_;
};

}  // namespace lacuna::cuda
