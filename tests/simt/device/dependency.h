#pragma once

#include "device/context.h"

// Programmatic dependent launch: a kernel that begins before the one in front of it is done, and waits for that.
namespace simt {
void wait_for_dependency(const Site& site);
}  // namespace simt

inline void cudaGridDependencySynchronize(simt::Site site = simt::Site::current()) {
  simt::wait_for_dependency(site);
}
// Nothing to do: what comes next may begin before this kernel does, as if this stood first in every one.
inline void cudaTriggerProgrammaticLaunchCompletion() {
  simt::require_kernel("cudaTriggerProgrammaticLaunchCompletion()");
}
