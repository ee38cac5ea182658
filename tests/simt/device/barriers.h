#pragma once

#include "device/context.h"

// Barriers of a block, and fences. Blocks and threads take turns on one OS thread, so memory is always in order: what a
// missing fence would do cannot be shown.
namespace simt {

inline int meet_block(const char* call, Operation operation, bool predicate, const Site& site) {
  return static_cast<int>(
      wait(State::at_barrier, {.site = site, .call = call, .operation = operation, .value = predicate}));
}

}  // namespace simt

inline void __syncthreads(simt::Site site = simt::Site::current()) {
  simt::meet_block("__syncthreads", simt::Operation::none, false, site);
}
inline int __syncthreads_count(int predicate, simt::Site site = simt::Site::current()) {
  return simt::meet_block("__syncthreads_count", simt::Operation::count, predicate != 0, site);
}
inline int __syncthreads_and(int predicate, simt::Site site = simt::Site::current()) {
  return simt::meet_block("__syncthreads_and", simt::Operation::all, predicate != 0, site);
}
inline int __syncthreads_or(int predicate, simt::Site site = simt::Site::current()) {
  return simt::meet_block("__syncthreads_or", simt::Operation::any, predicate != 0, site);
}

inline void __threadfence() {}
inline void __threadfence_block() {}
inline void __threadfence_system() {}

[[noreturn]] inline void __trap(simt::Site site = simt::Site::current()) {
  simt::fail("__trap()", site);
}
