#include "core/memory.h"

#include <unistd.h>

#include <algorithm>
#include <fstream>

namespace lacuna::core {

double physical_memory_bytes() {
  const double physical = static_cast<double>(::sysconf(_SC_PHYS_PAGES)) * static_cast<double>(::sysconf(_SC_PAGESIZE));
  double limit = 0;
  std::ifstream group("/sys/fs/cgroup/memory.max");  // "max" where there is no limit
  return group >> limit && limit > 0 ? std::min(physical, limit) : physical;
}

}  // namespace lacuna::core
