// Matrix products in the precision asked for. In bfloat16 each operand is copied once for all the products that read it
// before it changes.

#include <fmt/format.h>

#include "cpu/compiler.h"
#include "cpu/cpu_executable.h"
#include "cpu/gemm.h"

namespace lacuna::cpu {

void Compiler::push_product(Transpose transpose_a, Transpose transpose_b, std::int64_t m, std::int64_t n,
                            std::int64_t depth, BufferId a, BufferId b, BufferId c, bool accumulate) {
  if (!bf16())
    return push([=, from_a = at(a), from_b = at(b), to = at(c)] {
      gemm(transpose_a, transpose_b, m, n, depth, from_a, from_b, to, accumulate);
    });
  auto& products = program.bf16_gemms;
  products.push_back(std::make_unique<Bf16Gemm>(transpose_a, transpose_b, m, n, depth, accumulate, program.threads));
  if (products.size() == 1)
    program.remarks.push_back(fmt::format("matrix products of bf16 operands: {}", products[0]->implementation()));
  const std::uint16_t *from_a = bf16_copy(a), *from_b = bf16_copy(b);
  push([product = products.back().get(), from_a, from_b, to = at(c)] { (*product)(from_a, from_b, to); });
}

const std::uint16_t* Compiler::bf16_copy(BufferId operand) {
  const std::size_t index = copies.index_of(operand);
  const std::int64_t elements = shape(operand).elements();
  if (program.bf16_copies.size() <= index) program.bf16_copies.resize(index + 1);
  auto& memory = program.bf16_copies[index];
  if (!memory) memory = allocate(elements * 2, "bf16 copies of " + plan.name);
  auto* to = static_cast<std::uint16_t*>(memory->address());
  if (copies.must_make(index))
    push([f = k.narrow, a = NarrowArgs{at(operand), to, elements, program.threads}] { f(a); });
  return to;
}

}  // namespace lacuna::cpu
