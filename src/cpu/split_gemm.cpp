// Where products of tiles are to be had, and when.

#include "cpu/split_gemm.h"

#include "cpu/kernels.h"
#include "lacuna/error.h"

#if defined(LACUNA_X86_KERNELS)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <string_view>
#endif

namespace lacuna::cpu {

namespace {

#if defined(LACUNA_X86_KERNELS)
bool processor_has_tiles() {
  constexpr unsigned kBf16 = 1u << 22, kTiles = 1u << 24;  // of leaf 7
  unsigned a = 0, b = 0, c = 0, d = 0;
  return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (d & kBf16) != 0 && (d & kTiles) != 0;
}

/// Linux saves the tiles, 8 KiB a thread, only of a process that has asked for them (Linux 5.16; "Using XSTATE features
/// in user space applications").
bool system_grants_tiles() {
  constexpr long kRequestPermission = 0x1023, kTileData = 18;  // ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA
  return syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
}
#endif

}  // namespace

bool has_split_gemm() {
#if defined(LACUNA_X86_KERNELS)
  static const bool has =
      std::string_view(kernels().instruction_set) == "avx512" && processor_has_tiles() && system_grants_tiles();
  return has;
#else
  return false;
#endif
}

bool fills_tiles(std::int64_t m, std::int64_t n, std::int64_t k) {
  // Where it was found to win; docs/benchmarks.md.
  return m >= 32 && n >= 48 && k >= 32 && m * n * k >= std::int64_t{1} << 20;
}

#if !defined(LACUNA_X86_KERNELS)
void split_gemm(const SplitGemmArgs&) {
  throw ContractError("there are no products of tiles in this build");
}
#endif

}  // namespace lacuna::cpu
