#include <omp.h>

#include "cpu/cpu_executable.h"
#include "cpu/gemm.h"
#include "cpu/kernels.h"

namespace lacuna::cpu {

std::atomic<int> library_depth{0};

void library_gemm(Transpose transpose_a, Transpose transpose_b, std::int64_t m, std::int64_t n, std::int64_t k,
                  const float* a, const float* b, float* c, bool accumulate) {
  const Kernels& best = kernels();
  thread_local const std::unique_ptr<DeviceBuffer> packed = allocate(best.gemm_workspace * 4, "packed matrices");
  const auto operand = [](Transpose transpose, const float* values, std::int64_t rows, std::int64_t columns) {
    return transpose == Transpose::no ? GemmArgs::Operand{values, columns, 1} : GemmArgs::Operand{values, 1, rows};
  };
  best.gemm({m, n, k, operand(transpose_a, a, m, k), operand(transpose_b, b, k, n), c, accumulate,
             static_cast<float*>(packed->address()), omp_get_max_threads()});
}

GemmLibrary gemm_library() {
  return {"matrix products", "built in"};
}

}  // namespace lacuna::cpu
