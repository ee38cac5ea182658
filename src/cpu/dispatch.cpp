#include "cpu/kernels.h"

namespace lacuna::cpu {

namespace baseline {
extern const Kernels kKernels;
}
#if defined(LACUNA_X86_KERNELS)
namespace avx2 {
extern const Kernels kKernels;
}
namespace avx512 {
extern const Kernels kKernels;
}
#endif

const Kernels& kernels() {
#if defined(LACUNA_X86_KERNELS)
  static const Kernels& best = [&]() -> const Kernels& {
    __builtin_cpu_init();
    const bool v3 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2");
    const bool v4 = v3 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                    __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
                    __builtin_cpu_supports("avx512vl");
    return v4 ? avx512::kKernels : v3 ? avx2::kKernels : baseline::kKernels;
  }();
  return best;
#else
  return baseline::kKernels;
#endif
}

}  // namespace lacuna::cpu
