#include "plan_convolutions.h"

#include <algorithm>

namespace lacuna::cuda {

PlanConvolutions::PlanConvolutions(const StepPlan& plan, Cudnn& cudnn) {
  const auto add = [&](const auto& operation) {
    const std::int64_t rows = plan[operation.input].shape[0];
    if (!find(operation.convolution, rows))
      entries_.push_back({operation.convolution, rows, cudnn.products(operation.convolution, rows)});
  };
  for (const Operation& operation : plan.operations) {
    if (const auto* forward = std::get_if<ConvolutionForward>(&operation)) add(*forward);
    if (const auto* backward = std::get_if<ConvolutionBackward>(&operation)) add(*backward);
  }
}

const PlanConvolutions::Entry* PlanConvolutions::find(const Convolution& convolution, std::int64_t rows) const {
  for (const Entry& entry : entries_)
    if (entry.convolution == convolution && entry.rows == rows) return &entry;
  return nullptr;
}

const ConvolutionProducts& PlanConvolutions::operator()(const Convolution& convolution, std::int64_t rows) const {
  return *find(convolution, rows)->products;
}

std::int64_t PlanConvolutions::workspace_bytes() const {
  std::int64_t bytes = 0;
  for (const Entry& entry : entries_) bytes = std::max(bytes, entry.products->workspace_bytes());
  return bytes;
}

}  // namespace lacuna::cuda
