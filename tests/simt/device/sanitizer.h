#pragma once

#include <cstddef>

// What the emulator tells AddressSanitizer; nothing in a build without it.
#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#define SIMT_ASAN 1
#else
#define SIMT_ASAN 0
#endif

namespace simt {

inline void poison([[maybe_unused]] const void* begin, [[maybe_unused]] std::size_t bytes) {
#if SIMT_ASAN
  __asan_poison_memory_region(begin, bytes);
#endif
}

inline void unpoison([[maybe_unused]] const void* begin, [[maybe_unused]] std::size_t bytes) {
#if SIMT_ASAN
  __asan_unpoison_memory_region(begin, bytes);
#endif
}

inline bool is_poisoned([[maybe_unused]] const char* begin, [[maybe_unused]] std::size_t bytes) {
#if SIMT_ASAN
  return __asan_address_is_poisoned(begin) && __asan_address_is_poisoned(begin + bytes - 1);
#else
  return false;
#endif
}

}  // namespace simt
