#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "device/block.cuh"

// Products on tensor cores: C [16, 8] += A [16, K] B [K, 8] by the 32 lanes of a warp, all of which must come to the
// same call. Operands are rounded to TF32 (K = 8) or bfloat16 (K = 16), sums are float32; the hardware cuts
// off what does not fit into a sum, where the emulator rounds to nearest.
//
// Which lane holds what is from the PTX ISA, "Matrix Fragments for mma.m16n8k8" (.tf32) and "... for mma.m16n8k16 with
// floating point type" (.bf16). Of lane l, with g = l / 4 ("groupID") and t = l % 4 ("threadID_in_group"):
//
//   A  rows g and g + 8   of each of them   tf32: k = t, t + 4   bf16: k = 2 t, 2 t + 1, 2 t + 8, 2 t + 9
//   B  column g           the same k
//   C  rows g and g + 8   of each of them the columns 2 t, 2 t + 1
//
// So the four lanes of a group share a row of A and a column of B. As a sum may be taken in any order, what a lane puts
// in the place of its j-th k may be any step of the sum, as long as A and B agree: callers choose the steps that lie
// well in memory.

namespace lacuna::cuda {

/// Rows of A and C, and columns of B and C.
constexpr int kMmaRows = 16, kMmaColumns = 8;
constexpr int kGroup = 4;

/// By its bits.
struct BFloat16 {
  std::uint16_t bits;
};

/// What a lane holds of one row of A or one column of B: registers of 32 bits.
struct Held {
  unsigned at[2];
};

struct Tf32 {
  static constexpr int kValues = 2;  ///< that a lane holds of a row
  static constexpr int kDepth = kGroup * kValues;

  /// To nearest, ties away from zero.
  __device__ static __forceinline__ unsigned round(float value) {
#if defined(__CUDACC__)
    unsigned bits;
    asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(bits) : "f"(value));
    return bits;
#else
    return simt::to_tf32(value);
#endif
  }
  __device__ static __forceinline__ Held hold(const float (&values)[2]) {
    return {{round(values[0]), round(values[1])}};
  }
  /// Of values that lose nothing, as whole numbers to 256.
  __device__ static __forceinline__ Held hold_exact(const float (&values)[2]) {
    return {{__float_as_uint(values[0]), __float_as_uint(values[1])}};
  }

  /// c += a b, with a's rows g and g + 8.
  __device__ static __forceinline__ void mma(float (&c)[4], const Held& upper, const Held& lower, const Held& b) {
#if defined(__CUDACC__)
    asm volatile(
        "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
        "{%0, %1, %2, %3};"
        : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
        : "r"(upper.at[0]), "r"(lower.at[0]), "r"(upper.at[1]), "r"(lower.at[1]), "r"(b.at[0]), "r"(b.at[1]));
#else
    simt::mma_m16n8k8_tf32(c, {upper.at[0], lower.at[0], upper.at[1], lower.at[1]}, b.at);
#endif
  }
};

struct Bf16 {
  static constexpr int kValues = 4;
  static constexpr int kDepth = kGroup * kValues;

  /// To nearest, ties to even; the first in the lower half.
  __device__ static __forceinline__ unsigned pack(float lower, float upper) {
#if defined(__CUDACC__)
    unsigned bits;  // the instruction puts its first operand into the upper half
    asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(bits) : "f"(upper), "f"(lower));
    return bits;
#else
    return simt::to_bf16_pair(lower, upper);
#endif
  }
  __device__ static __forceinline__ BFloat16 round(float value) {
    return {static_cast<std::uint16_t>(pack(value, 0.0f))};
  }
  __device__ static __forceinline__ Held hold(const float (&values)[4]) {
    return {{pack(values[0], values[1]), pack(values[2], values[3])}};
  }
  /// Of values whose lower halves are 0, as whole numbers to 256.
  __device__ static __forceinline__ Held hold_exact(const float (&values)[4]) {
    return {{__float_as_uint(values[0]) >> 16 | __float_as_uint(values[1]),
             __float_as_uint(values[2]) >> 16 | __float_as_uint(values[3])}};
  }

  __device__ static __forceinline__ void mma(float (&c)[4], const Held& upper, const Held& lower, const Held& b) {
#if defined(__CUDACC__)
    asm volatile(
        "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
        "{%0, %1, %2, %3};"
        : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
        : "r"(upper.at[0]), "r"(lower.at[0]), "r"(upper.at[1]), "r"(lower.at[1]), "r"(b.at[0]), "r"(b.at[1]));
#else
    simt::mma_m16n8k16_bf16(c, {upper.at[0], lower.at[0], upper.at[1], lower.at[1]}, b.at);
#endif
  }
};

}  // namespace lacuna::cuda
