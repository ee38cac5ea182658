#pragma once

#include <string>

#include "libs/cudnn.h"
#include "product_choice.h"
#include "runtime/stream.h"
#include "step_sequence.h"

namespace lacuna::cuda {

/// The plan of a training step with all that its steps need, for as long as they may be put on streams together with
/// those of other models. Stream, products and cuDNN must outlive it.
class JointPlan {
 public:
  /// Throws as compile() does.
  JointPlan(const StepPlan& plan, const Bindings& bindings, const Stream& stream, ProductChoice& choice, Cudnn& cudnn,
            int multiprocessors);
  JointPlan(const JointPlan&) = delete;
  JointPlan& operator=(const JointPlan&) = delete;

  const Stream& stream() const { return stream_; }
  const StepSequence& sequence() const { return sequence_; }
  const PlanProducts& products() const { return products_; }
  /// On the plan's own stream.
  PlanResources resources() const;
  /// The products of each operation that begins with some.
  std::vector<std::vector<PlannedProduct>> products_by_operation() const;
  /// Where a product of the plan finds its matrices.
  ProductAddresses addresses(const PlannedProduct& product) const;
  /// The same for plans whose products can be computed together: as many, of the same shapes, by the same algorithms,
  /// on one device.
  std::string key() const;

 private:
  const Stream& stream_;
  const StepPlan plan_;
  const Bf16Copies copies_;
  PlanConvolutions convolutions_;
  StepSequence sequence_;
  PlanLayout layout_;
  DeviceMemory arena_;
  PlanProducts products_;
};

}  // namespace lacuna::cuda
