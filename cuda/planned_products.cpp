#include "planned_products.h"

#include <cstdint>
#include <variant>

namespace lacuna::cuda {

namespace {

struct Products {
  const StepPlan& plan;
  std::vector<PlannedProduct> all = {};

  const Shape& shape(BufferId id) const { return plan[id].shape; }

  void operator()(const DenseForward& op) {
    const Transpose turn = op.weight_layout == WeightLayout::out_in ? Transpose::yes : Transpose::no;
    all.push_back({{Transpose::no, turn, shape(op.input)[0], shape(op.output)[1], shape(op.input)[1]},
                   op.input,
                   op.weight,
                   op.output});
  }

  void operator()(const DenseBackward& op) {
    const std::int64_t rows = shape(op.delta)[0], in = shape(op.input)[1], out = shape(op.delta)[1];
    const bool out_in = op.weight_layout == WeightLayout::out_in;
    if (op.weight_gradient != kNoBuffer && out_in)
      all.push_back(
          {{Transpose::yes, Transpose::no, out, in, rows, op.accumulate}, op.delta, op.input, op.weight_gradient});
    if (op.weight_gradient != kNoBuffer && !out_in)
      all.push_back(
          {{Transpose::yes, Transpose::no, in, out, rows, op.accumulate}, op.input, op.delta, op.weight_gradient});
    if (op.input_gradient != kNoBuffer)
      all.push_back({{Transpose::no, out_in ? Transpose::no : Transpose::yes, rows, in, out},
                     op.delta,
                     op.weight,
                     op.input_gradient});
  }

  template <class Other>
  void operator()(const Other&) {}
};

bool is_aligned(const void* address) {
  return reinterpret_cast<std::uintptr_t>(address) % LtProduct::kAlignment == 0;
}

}  // namespace

std::vector<PlannedProduct> products_of(const StepPlan& plan, const Operation& operation) {
  Products products{plan};
  std::visit(products, operation);
  return products.all;
}

bool ProductAddresses::aligned() const {
  return is_aligned(a) && is_aligned(b) && is_aligned(c);
}

ProductAddresses addresses_of(const PlannedProduct& product, const PlanLayout& layout, const Bf16Copies& copies,
                              Precision precision) {
  const auto operand = [&](BufferId id) -> const void* {
    if (precision == Precision::bf16) return layout.bf16_copy(copies.index_of(id));
    return layout.at(id);
  };
  return {operand(product.a), operand(product.b), layout.at(product.c)};
}

}  // namespace lacuna::cuda
