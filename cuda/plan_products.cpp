#include "plan_products.h"

#include <type_traits>

namespace lacuna::cuda {

namespace {

bool is_aligned(const void* address) {
  return reinterpret_cast<std::uintptr_t>(address) % LtProduct::kAlignment == 0;
}

}  // namespace

template <class T>
void PlanProducts::multiply(const ProductShape& s, const T* a, const T* b, float* c) const {
  const bool of_its_precision = std::is_same_v<T, float> == (precision() != Precision::bf16);
  const bool has_choice = of_its_precision && is_aligned(a) && is_aligned(b) && is_aligned(c);
  if (shapes_) {
    if (has_choice) shapes_->insert(s);
    return;
  }
  const auto found = has_choice ? chosen_.find(s) : chosen_.end();
  if (found != chosen_.end())
    (*found->second)(a, b, c);
  else
    cublas_.gemm_row_major(s.transpose_a, s.transpose_b, s.m, s.n, s.k, a, b, c, s.accumulate);
}

void PlanProducts::gemm_row_major(Transpose transpose_a, Transpose transpose_b, std::int64_t m, std::int64_t n,
                                  std::int64_t k, const float* a, const float* b, float* c, bool accumulate) const {
  multiply({transpose_a, transpose_b, m, n, k, accumulate}, a, b, c);
}

void PlanProducts::gemm_row_major(Transpose transpose_a, Transpose transpose_b, std::int64_t m, std::int64_t n,
                                  std::int64_t k, const std::uint16_t* a, const std::uint16_t* b, float* c,
                                  bool accumulate) const {
  multiply({transpose_a, transpose_b, m, n, k, accumulate}, a, b, c);
}

ProductAlgorithms PlanProducts::algorithms() const {
  ProductAlgorithms all;
  for (const auto& [shape, product] : chosen_) all[to_string(shape)] = product->algorithm();
  return all;
}

}  // namespace lacuna::cuda
