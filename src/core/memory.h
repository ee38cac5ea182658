#pragma once

namespace lacuna::core {

/// What this machine, or the control group that the process is in, has at all.
double physical_memory_bytes();

}  // namespace lacuna::core
