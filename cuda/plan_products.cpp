#include "plan_products.h"

namespace lacuna::cuda {

const LtProduct* PlanProducts::chosen(const ProductShape& shape, const ProductAddresses& at) const {
  const auto found = chosen_.find(shape);
  return found != chosen_.end() && at.aligned() ? found->second.get() : nullptr;
}

void PlanProducts::multiply(const ProductShape& s, const ProductAddresses& at) const {
  if (const LtProduct* product = chosen(s, at)) return (*product)(at.a, at.b, at.c);
  const auto with = [&](const auto* a, const auto* b) {
    cublas_.gemm_row_major(s.transpose_a, s.transpose_b, s.m, s.n, s.k, a, b, at.c, s.accumulate);
  };
  if (precision() == Precision::bf16)
    with(static_cast<const std::uint16_t*>(at.a), static_cast<const std::uint16_t*>(at.b));
  else
    with(static_cast<const float*>(at.a), static_cast<const float*>(at.b));
}

ProductAlgorithms PlanProducts::algorithms() const {
  ProductAlgorithms all;
  for (const auto& [shape, product] : chosen_) all[to_string(shape)] = product->algorithm();
  return all;
}

}  // namespace lacuna::cuda
