#pragma once

#include <cstdint>

namespace lacuna::cpu {

/// Where at most one of so many units of a top-k code is kept, the CPU backend of this machine goes through the kept
/// units alone; beyond that share dense products are the better choice, where those go through tiles (AMX) already
/// beyond a smaller one. docs/benchmarks.md has the crossovers. Declared here for what counts memory without a backend.
std::int64_t units_to_one_kept();

}  // namespace lacuna::cpu
