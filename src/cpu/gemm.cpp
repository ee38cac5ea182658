#include "cpu/gemm.h"

#include <omp.h>

#include "cpu/cpu_executable.h"
#include "cpu/split_gemm.h"

namespace lacuna::cpu {

void gemm(Transpose transpose_a, Transpose transpose_b, std::int64_t m, std::int64_t n, std::int64_t k, const float* a,
          const float* b, float* c, bool accumulate) {
  if (!has_split_gemm() || !fills_tiles(m, n, k))
    return library_gemm(transpose_a, transpose_b, m, n, k, a, b, c, accumulate);
  const int threads = omp_get_max_threads();
  const std::int64_t bytes = threads * kSplitGemmWorkspace * 2;
  thread_local std::unique_ptr<DeviceBuffer> workspace;
  if (!workspace || workspace->bytes() < bytes) workspace = allocate(bytes, "packed matrices");
  split_gemm({transpose_a, transpose_b, m, n, k, a, b, c, accumulate, static_cast<std::uint16_t*>(workspace->address()),
              threads});
}

}  // namespace lacuna::cpu
