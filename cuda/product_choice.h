#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "lacuna/backend.h"
#include "plan_layout.h"
#include "plan_products.h"
#include "runtime/stream.h"

namespace lacuna::cuda {

/// Seconds that a product of a shape takes by an algorithm, "default" or one of cuBLASLt's; `measure` computes some on
/// operands of its own and times them on the device.
using ProductMeter = std::function<double(const ProductShape& shape, const std::string& algorithm,
                                          const std::function<double()>& measure)>;
/// Replaces the meter of all backends: for machines whose clock says nothing about products, and for tests.
void set_product_meter(ProductMeter meter);

/// Picks the algorithms of a backend's dense products in training: cuBLAS's own choice, the fastest by measuring what
/// cuBLASLt proposes for a moment, the first that gives several products at once the bits that each has alone, or those
/// on record. What was chosen once holds for all plans.
class ProductChoice {
 public:
  /// Both must outlive this, and this the plans that it was asked for.
  ProductChoice(const Stream& stream, const Cublas& cublas, const ProductOptions& asked = {});

  const Cublas& cublas() const { return cublas_; }
  /// For a plan whose arena has been placed; puts nothing of the plan's on the stream. Throws InputError where an
  /// algorithm on record is not to be had.
  PlanProducts choose(const StepPlan& plan, const PlanLayout& layout);

 private:
  struct Choice {
    std::shared_ptr<const LtProduct> product;  // none: cuBLAS's own
    std::string remark;
  };
  const Choice& choice(const ProductShape& shape, const Workspace& workspace);
  Choice measured(const ProductShape& shape, const Workspace& workspace) const;
  Choice for_batches(const ProductShape& shape, const Workspace& workspace) const;
  Choice recorded(const ProductShape& shape) const;

  const Stream& stream_;
  const Cublas& cublas_;
  ProductOptions asked_;
  std::optional<CublasLt> library_;  // where it may be needed
  std::map<ProductShape, Choice> choices_;
};

}  // namespace lacuna::cuda
