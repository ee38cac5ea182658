#pragma once

#include <cstdint>

namespace simt::detail {

enum class Element : std::uint8_t { f32, bf16 };

/// What the matrix product does to its operands before it multiplies.
enum class Rounding : std::uint8_t { none, tf32, bf16 };

/// An operand, stored by columns: element (i, j) of op(X) is data[i + j * ld], or data[j + i * ld] if transposed.
struct Operand {
  const void* data = nullptr;
  std::int64_t ld = 0;
  bool transposed = false;
  Element element = Element::f32;
};

/// C = alpha op(A) op(B) + beta C, where op(A) is m x k, op(B) is k x n and C is m x n, stored by columns.
struct Gemm {
  std::int64_t m = 0, n = 0, k = 0;
  float alpha = 1, beta = 0;
  Operand a, b;
  void* c = nullptr;
  std::int64_t ldc = 0;
  Element c_element = Element::f32;
  Rounding rounding = Rounding::none;
};

/// Sums in float: in order within blocks of 256 along k, and then over the blocks; one thread, so the same bits every
/// time. With beta = 0 C is not read, with alpha = 0 neither A nor B. Compiled without sanitizers, so that whole
/// training runs stay affordable: check the operands first.
void multiply(const Gemm& gemm);

}  // namespace simt::detail
