#include "together/joint_plan.h"

#include <fmt/format.h>

#include "cuda_executable.h"

namespace lacuna::cuda {

JointPlan::JointPlan(const StepPlan& plan, const Bindings& bindings, const Stream& stream, ProductChoice& choice,
                     Cudnn& cudnn, int multiprocessors)
    : stream_(stream),
      plan_(plan),
      copies_(plan_),
      convolutions_(plan_, cudnn),
      sequence_(plan_),
      layout_(plan_, bindings, sequence_.doubled(), convolutions_.workspace_bytes(), multiprocessors,
              choice.cublas().precision()),
      arena_(place_arena(plan_, layout_, stream)),
      products_(choice.choose(plan_, layout_)) {}

PlanResources JointPlan::resources() const {
  return {plan_, layout_, products_, convolutions_, layout_.workspace(stream_.get())};
}

std::vector<std::vector<PlannedProduct>> JointPlan::products_by_operation() const {
  std::vector<std::vector<PlannedProduct>> all;
  for (const FusedOperation& operation : sequence_.operations())
    if (auto products = products_of(plan_, *operation.operation); !products.empty()) all.push_back(std::move(products));
  return all;
}

ProductAddresses JointPlan::addresses(const PlannedProduct& product) const {
  return addresses_of(product, layout_, copies_, products_.precision());
}

std::string JointPlan::key() const {
  std::string key = fmt::format("{} on {}", to_string(products_.precision()), stream_.device());
  for (const auto& operation : products_by_operation()) {
    key += ";";
    for (const PlannedProduct& product : operation) {
      const LtProduct* chosen = products_.chosen(product.shape, addresses(product));
      key += fmt::format(" {}={}", to_string(product.shape), chosen ? chosen->algorithm() : "default");
    }
  }
  return key;
}

}  // namespace lacuna::cuda
