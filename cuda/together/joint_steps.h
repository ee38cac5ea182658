#pragma once

#include <optional>
#include <vector>

#include "runtime/event.h"
#include "together/joint_plan.h"

namespace lacuna::cuda {

/// Steps of several models whose plans have the same key. Each model's kernels go on its own stream; where all have
/// arrived at a product, one call on the trunk computes it for all of them:
///
///   gather 0, noise 0 --+             +-- activation 0 --+             +-- ...
///   gather 1, noise 1 --+-- product --+-- activation 1 --+-- product --+-- ...
///   gather 2, noise 2 --+             +-- activation 2 --+             +-- ...
///
/// A product whose algorithm takes no batches each model computes by itself. A batch of samples is gathered before its
/// step, not beside the one before as in graphs of one model: there is enough beside each other.
class JointSteps {
 public:
  /// At least two plans, which must outlive this, as must `library`, which is on the trunk.
  JointSteps(const std::vector<const JointPlan*>& plans, const Stream& trunk, const CublasLt& library);

  /// The fewest steps that an epoch of one of the models has.
  std::int64_t longest() const;
  /// Puts `steps` steps of every model on the trunk and, between, on the models' streams: to be captured.
  void enqueue(std::int64_t steps) const;

 private:
  struct Model {
    const JointPlan* plan;
    PlanResources resources;
    std::vector<std::vector<PlannedProduct>> products;  // of each operation that begins with some
    Event ready;
  };
  /// One product of each model.
  struct Joint {
    std::optional<LtBatch> batch;
    std::size_t first;  // of its addresses in the table
  };
  using Operations = std::vector<FusedOperation>::const_iterator;

  void add_products();
  void enqueue_step() const;
  void multiply(const Joint& joint, std::size_t operation, std::size_t product, std::vector<Bf16Copies>& copies) const;
  void fork_models() const;
  void join_models() const;

  const Stream& trunk_;
  const CublasLt& library_;
  std::vector<Model> models_;
  std::vector<std::vector<Joint>> joints_;  // by operation and product
  DeviceMemory table_;                      // of each product: A of all models, B of all, C of all
  DeviceMemory workspace_;                  // batches take turns in it
  Event done_;
};

}  // namespace lacuna::cuda
