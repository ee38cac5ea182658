#include "cli/patience.h"

#include <unistd.h>

#include <cstdlib>

namespace lacuna::cli {

void restart_with_short_spins(char** argv) {
  if (std::getenv("OMP_WAIT_POLICY") || std::getenv("GOMP_SPINCOUNT")) return;
  if (setenv("GOMP_SPINCOUNT", "1000", 1) != 0) return;
  execv("/proc/self/exe", argv);  // where that fails, the program goes on as it is
}

}  // namespace lacuna::cli
