#pragma once

#include <cstdint>

#include "cpu/gemm.h"

// Float32 products out of bfloat16 ones, where the processor multiplies whole tiles of these (AMX): 16 times as many
// multiply-adds a cycle as of float32 vectors. G. Henry, P. T. P. Tang and A. Heinecke, "Leveraging the bfloat16
// Artificial Intelligence Datatype For Higher-Precision Computations", ARITH 2019.
//
// A float32 number has 24 significant bits, a bfloat16 number 8: each operand is exactly the sum of three terms, x = x0
// + x1 + x2, |x1| < 2^-7 |x|, |x2| < 2^-15 |x|. Of the nine products of terms the six largest are summed, in float32;
// what is left out is below 2^-21 |x y|. Terms below 2^-126 count as zero, so numbers below 2^-102 lose their last
// bits, and below 2^-118 all but eight.

namespace lacuna::cpu {

/// Whether this processor has the tiles and the system grants them. The first call asks for them, for the whole
/// process: from then on alternate signal stacks must have room for tiles (Linux says how much in AT_MINSIGSTKSZ). A
/// process in which a smaller one is set up already is not granted them, and computes with the library.
bool has_split_gemm();

/// Whether a product of this shape is large enough to fill tiles. Depends on nothing but the shape.
bool fills_tiles(std::int64_t m, std::int64_t n, std::int64_t k);

struct SplitGemmArgs {
  Transpose transpose_a, transpose_b;
  std::int64_t m, n, k;
  const float* a;
  const float* b;
  float* c;
  bool accumulate;
  std::uint16_t* workspace;  ///< [threads, kSplitGemmWorkspace], aligned to 64 bytes
  int threads;
};

/// Values of bfloat16 that each thread packs its operands into.
constexpr std::int64_t kSplitGemmWorkspace = (2 * 96 + 900) * 512;

/// gemm(), where has_split_gemm(), of any shape with k > 0. An infinite operand gives NaN. Every element of C is summed
/// by one thread in an order that depends on the shape alone: the bits do not depend on the number of threads.
void split_gemm(const SplitGemmArgs& args);

}  // namespace lacuna::cpu
