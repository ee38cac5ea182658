#pragma once

#include "device/rounding.h"
#include "device/thread.h"

// Products on tensor cores. CUDA has no function for mma.sync, so a kernel has inline PTX for nvcc and calls these for
// the emulator (`__CUDACC__` tells which). Fragments lie as the PTX ISA says, "Matrix Fragments for mma.m16n8k8 /
// .m16n8k16": A [16, K] by rows, B [K, 8] by columns, C [16, 8]; of lane l, g = l / 4 and t = l % 4.
//
//   tf32, K = 8    a[i] = A(g + 8 (i % 2), t + 4 (i / 2))            b[i] = B(t + 4 i, g)
//   bf16, K = 16   a[i] = A(g + 8 (i % 2), 2 t + 8 (i / 2) + {0, 1}) b[i] = B(2 t + 8 i + {0, 1}, g), the first of a
//                  pair in the lower half
//   both           c[i] = C(g + 8 (i / 2), 2 t + i % 2)
namespace simt {

// What one lane brings and gets.
struct MmaFragment {
  unsigned a[4], b[2];
  float c[4];
};

// c += a b, by all 32 lanes of a warp. A Fault if one is missing, has exited or is elsewhere; and for a TF32 operand
// that has not been rounded: the hardware would cut off what is too much.
void mma_m16n8k8_tf32(float (&c)[4], const unsigned (&a)[4], const unsigned (&b)[2], Site site = Site::current());
void mma_m16n8k16_bf16(float (&c)[4], const unsigned (&a)[4], const unsigned (&b)[2], Site site = Site::current());

// As cvt.rna.tf32.f32 and cvt.rn.bf16x2.f32.
inline unsigned to_tf32(float value) {
  return std::bit_cast<unsigned>(detail::round_to_tf32(value));
}
inline unsigned to_bf16_pair(float lower, float upper) {
  return detail::to_bf16(lower) | static_cast<unsigned>(detail::to_bf16(upper)) << 16;
}

// The sums of the whole warp, lane l's fragment at lanes[l]. Products are exact, sums are float32 in the order of k.
// The hardware's order is its own, and so are its last bits.
void multiply_tf32(MmaFragment* const (&lanes)[32]);
void multiply_bf16(MmaFragment* const (&lanes)[32]);
// Whether no operand has more digits than TF32.
bool is_tf32(const MmaFragment& fragment);

}  // namespace simt
