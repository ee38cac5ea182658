#pragma once

#include <vector>

#include "core/bf16_copies.h"
#include "libs/cublas_lt.h"
#include "plan_layout.h"

namespace lacuna::cuda {

/// A dense product of an operation, C = op(A) op(B) as Cublas::gemm_row_major takes it.
struct PlannedProduct {
  ProductShape shape;
  BufferId a, b, c;
};

/// Those that an operation begins with, in their order; all else that it does comes after them.
std::vector<PlannedProduct> products_of(const StepPlan& plan, const Operation& operation);

/// Where a product finds its operands, float32 or copies in bfloat16, and puts its result.
struct ProductAddresses {
  const void *a, *b;
  float* c;

  /// As algorithms of cuBLASLt need them.
  bool aligned() const;
};
ProductAddresses addresses_of(const PlannedProduct& product, const PlanLayout& layout, const Bf16Copies& copies,
                              Precision precision);

}  // namespace lacuna::cuda
