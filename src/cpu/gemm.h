#pragma once

#include <atomic>
#include <cstdint>
#include <string>

// Matrix products in float32: by tiles (split_gemm.h) where the processor has them, else by oneDNN (gemm_onednn.cpp)
// or, in a build without it, by Lacuna's own vectors (gemm_own.cpp).

namespace lacuna::cpu {

/// Above 0 while a oneDNN call runs: lets a test tell the library's heap allocations from Lacuna's own.
extern std::atomic<int> library_depth;

enum class Transpose : bool { no, yes };

/// Row-major C [m, n] = op(A) [m, k] op(B) [k, n] in float32, with as many threads as OpenMP would take. A is stored
/// [m, k], or [k, m] if transposed; B [k, n], or [n, k] if transposed; no padding between rows. With
/// `accumulate` the product is added to C. Throws Error if the
/// library fails.
void gemm(Transpose transpose_a, Transpose transpose_b, std::int64_t m, std::int64_t n, std::int64_t k, const float* a,
          const float* b, float* c, bool accumulate = false);

/// gemm() by the library alone, for products that do not fill tiles and for comparison.
void library_gemm(Transpose transpose_a, Transpose transpose_b, std::int64_t m, std::int64_t n, std::int64_t k,
                  const float* a, const float* b, float* c, bool accumulate = false);

struct GemmLibrary {
  std::string name, version;
};

/// What computes library_gemm().
GemmLibrary gemm_library();

}  // namespace lacuna::cpu
