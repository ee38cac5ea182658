// values_i = limit (2 u_i - 1), u_i uniform on [0, 1) from 24 bits of Philox 4x32-10 (math/uniform.h).
//
// Element 4 b + w is word w of block b. 2 u - 1 is exact, so each value is rounded once and has the host's bits.
// Threads: 256, one block of the generator each; any size. Writes n floats. Deterministic.

#include "device/vector.cuh"
#include "kernels/kernels.h"
#include "lacuna/math/uniform.h"
#include "runtime/launch.h"

namespace lacuna::cuda {

namespace {

constexpr int kThreads = 256;

__global__ void __launch_bounds__(kThreads)
    fill_uniform_kernel(float* values, std::int64_t count, float limit, std::uint64_t seed, std::uint32_t stream) {
  const std::int64_t block = std::int64_t{blockIdx.x} * kThreads + threadIdx.x, begin = 4 * block;
  if (begin >= count) return;
  const math::Uniform4 result = math::uniform_weights(limit, seed, stream, static_cast<std::uint64_t>(block));
  if (begin + 4 <= count) {
    store<4>(values + begin, {{result.at[0], result.at[1], result.at[2], result.at[3]}});
  } else {
#pragma unroll
    for (int w = 0; w < 4; ++w)
      if (begin + w < count) values[begin + w] = result.at[w];
  }
}

}  // namespace

void fill_uniform(const Workspace& workspace, float* values, std::int64_t count, float limit, std::uint64_t seed,
                  std::uint32_t stream) {
  const std::int64_t blocks = (count + 4 * kThreads - 1) / (4 * kThreads);
  launch(&fill_uniform_kernel, LaunchShape(static_cast<unsigned>(blocks), kThreads, 0, workspace.stream), values, count,
         limit, seed, stream);
}

}  // namespace lacuna::cuda
