#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "cpu/gemm.h"

// Matrix products of bfloat16 operands, by oneDNN (gemm_bf16_onednn.cpp); a build without it has none
// (no_gemm_bf16.cpp).

namespace lacuna::cpu {

/// Why there are none here: what the processor or the build lacks. Empty where there are.
std::string why_no_bf16();

/// gemm() of operands in bfloat16 with sums and result in float32, prepared for one shape and number of threads.
class Bf16Gemm {
 public:
  /// Throws Error if the library fails.
  Bf16Gemm(Transpose transpose_a, Transpose transpose_b, std::int64_t m, std::int64_t n, std::int64_t k,
           bool accumulate, int threads);
  ~Bf16Gemm();

  /// Allocates nothing of its own. Throws Error if the library fails.
  void operator()(const std::uint16_t* a, const std::uint16_t* b, float* c) const;

  /// What the library calls its implementation.
  std::string implementation() const;

 private:
  struct Primitive;
  std::unique_ptr<Primitive> primitive_;
};

}  // namespace lacuna::cpu
