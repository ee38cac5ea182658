// Part of kernels.inl's translation units: bfloat16 copies of float32 operands.

#include "lacuna/math/bf16.h"

namespace lacuna::cpu::LACUNA_CPU_TARGET {
namespace {

void narrow(const NarrowArgs& p) {
  on_threads(p.threads, [&] {
    const Part mine = share(p.elements, 2 * kCacheLine);
    const float* __restrict from = p.from;
    std::uint16_t* __restrict to = p.to;
#pragma omp simd
    for (std::int64_t i = mine.begin; i < mine.end; ++i) to[i] = math::to_bf16(from[i]);
  });
}

}  // namespace
}  // namespace lacuna::cpu::LACUNA_CPU_TARGET
