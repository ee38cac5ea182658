#include "parity/allocation_counter.h"

#include <atomic>
#include <cerrno>
#include <cstddef>

#include "cpu/gemm.h"

extern "C" {
// glibc's own entry points, which stay reachable when the public ones are replaced.
void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t count, std::size_t size);
void* __libc_realloc(void* memory, std::size_t size);
void* __libc_memalign(std::size_t alignment, std::size_t size);
}

namespace lacuna::test {
namespace {

std::atomic<bool> counting{false};
std::atomic<std::int64_t> own{0}, library{0};

void count() {
  if (!counting.load(std::memory_order_relaxed)) return;
  (cpu::library_depth.load(std::memory_order_relaxed) > 0 ? library : own).fetch_add(1, std::memory_order_relaxed);
}

}  // namespace

void allocations::begin() {
  own = 0;
  library = 0;
  counting = true;
}

AllocationCount allocations::end() {
  counting = false;
  return {own, library};
}

}  // namespace lacuna::test

extern "C" {

void* malloc(std::size_t size) {
  lacuna::test::count();
  return __libc_malloc(size);
}

void* calloc(std::size_t number, std::size_t size) {
  lacuna::test::count();
  return __libc_calloc(number, size);
}

void* realloc(void* memory, std::size_t size) {
  lacuna::test::count();
  return __libc_realloc(memory, size);
}

void* memalign(std::size_t alignment, std::size_t size) {
  lacuna::test::count();
  return __libc_memalign(alignment, size);
}

void* aligned_alloc(std::size_t alignment, std::size_t size) {
  lacuna::test::count();
  return __libc_memalign(alignment, size);
}

int posix_memalign(void** memory, std::size_t alignment, std::size_t size) {
  lacuna::test::count();
  *memory = __libc_memalign(alignment, size);
  return *memory ? 0 : ENOMEM;
}

}  // extern "C"
