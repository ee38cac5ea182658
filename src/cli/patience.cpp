#include "cli/patience.h"

#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <string>
#include <thread>

namespace lacuna::cli {

namespace {

/// Whether nearly all processors are free at this moment. The average load would count what has just ended.
bool machine_is_idle() {
  std::ifstream file("/proc/loadavg");  // three averages, and how many run of all that there are: 0.3 0.2 0.1 1/79 4711
  std::string average;
  unsigned running = 0;
  if (!(file >> average >> average >> average >> running) || running == 0) return false;
  const unsigned others = running - 1;
  return others <= std::thread::hardware_concurrency() / 8;
}

}  // namespace

void restart_with_short_spins(char** argv) {
  if (std::getenv("OMP_WAIT_POLICY") || std::getenv("GOMP_SPINCOUNT")) return;
  if (setenv("GOMP_SPINCOUNT", machine_is_idle() ? "4000" : "1000", 1) != 0) return;
  execv("/proc/self/exe", argv);  // where that fails, the program goes on as it is
}

}  // namespace lacuna::cli
