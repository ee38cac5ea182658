#pragma once

#include <cstdint>

namespace lacuna::test {

struct AllocationCount {
  std::int64_t own = 0;     ///< by Lacuna, the standard library and OpenMP
  std::int64_t onednn = 0;  ///< while a oneDNN call was running
};

/// Counts the heap allocations of all threads between begin() and end(). The program that links this file replaces
/// malloc, calloc, realloc, aligned_alloc, memalign and posix_memalign; operator new ends in malloc.
namespace allocations {
void begin();
AllocationCount end();
}  // namespace allocations

}  // namespace lacuna::test
