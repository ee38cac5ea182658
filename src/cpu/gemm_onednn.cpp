#include <fmt/format.h>
#include <oneapi/dnnl/dnnl.h>

#include "cpu/gemm.h"
#include "lacuna/error.h"

namespace lacuna::cpu {

std::atomic<int> library_depth{0};

void library_gemm(Transpose transpose_a, Transpose transpose_b, std::int64_t m, std::int64_t n, std::int64_t k,
                  const float* a, const float* b, float* c, bool accumulate) {
  const bool ta = transpose_a == Transpose::yes, tb = transpose_b == Transpose::yes;
  library_depth.fetch_add(1, std::memory_order_relaxed);
  const dnnl_status_t status = dnnl_sgemm(ta ? 'T' : 'N', tb ? 'T' : 'N', m, n, k, 1.0f, a, ta ? m : k, b, tb ? k : n,
                                          accumulate ? 1.0f : 0.0f, c, n);
  library_depth.fetch_sub(1, std::memory_order_relaxed);
  if (status != dnnl_success)
    throw Error(fmt::format("oneDNN's matrix product of {} x {} x {} failed with status {}", m, n, k,
                            static_cast<int>(status)));
}

GemmLibrary gemm_library() {
  const dnnl_version_t* version = dnnl_version();
  return {"oneDNN", fmt::format("{}.{}.{}", version->major, version->minor, version->patch)};
}

}  // namespace lacuna::cpu
