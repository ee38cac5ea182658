// y_i = x_i rounded to bfloat16, to nearest even (math/bf16.h).
//
// x [n] float32, y [n] bfloat16. Threads: 256, four elements each where x is aligned to 16 bytes and y to 8; any size.
// Reads 4 n bytes, writes 2 n. Deterministic.

#include "device/vector.cuh"
#include "kernels/pass_launch.h"
#include "lacuna/math/bf16.h"

namespace lacuna::cuda {

namespace {

constexpr int kThreads = 256;

template <int kWidth>
__global__ void __launch_bounds__(kThreads) narrow_kernel(const float* from, std::uint16_t* to, std::int64_t elements) {
  wait_for_previous();
  const std::int64_t i = (std::int64_t{blockIdx.x} * kThreads + threadIdx.x) * kWidth;
  if (i >= elements) return;
  const Floats<kWidth> x = load<kWidth>(from + i);
  if constexpr (kWidth == 4)
    *reinterpret_cast<ushort4*>(to + i) =
        make_ushort4(math::to_bf16(x.at[0]), math::to_bf16(x.at[1]), math::to_bf16(x.at[2]), math::to_bf16(x.at[3]));
  else
    to[i] = math::to_bf16(x.at[0]);
}

}  // namespace

void narrow(const Workspace& workspace, const NarrowArgs& p) {
  with_width(common_width(p.elements, p.from), [&](auto width) {
    constexpr int kWidth = decltype(width)::value;
    const std::int64_t blocks = (p.elements + kThreads * kWidth - 1) / (kThreads * kWidth);
    launch(&narrow_kernel<kWidth>, step_shape(static_cast<unsigned>(blocks), kThreads, workspace), p.from, p.to,
           p.elements);
  });
}

}  // namespace lacuna::cuda
