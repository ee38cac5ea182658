#pragma once

#include "device/context.h"
#include "device/static_shared.h"

// The words that CUDA adds to C++. (__noinline__ is not among them: libstdc++ writes attributes with that name.)
#define __global__
#define __device__
#define __host__
#define __constant__
#define __managed__
#define __grid_constant__
#define __launch_bounds__(...)
#define __forceinline__ inline __attribute__((always_inline))
#define __align__(bytes) __attribute__((aligned(bytes)))

// In functions only, one variable in each statement. `used` keeps the compiler from drawing conclusions from the fact
// that it sees no one else write the variable.
#define SIMT_JOIN_(a, b) a##b
#define SIMT_JOIN(a, b) SIMT_JOIN_(a, b)
#define SIMT_SHARED(guard)          \
  static ::simt::SharedGuard guard; \
  guard.enter();                    \
  static __attribute__((used))
#define __shared__ SIMT_SHARED(SIMT_JOIN(simt_shared_guard_, __COUNTER__))

// Declares `T* name`, the block's dynamic shared memory.
#define SIMT_DYNAMIC_SHARED(T, name) T* const name = ::simt::dynamic_shared<T>()

namespace simt {

void* dynamic_shared_memory();

template <class T>
T* dynamic_shared() {
  static_assert(alignof(T) <= 16, "dynamic shared memory is aligned to 16 bytes");
  return static_cast<T*>(dynamic_shared_memory());
}

}  // namespace simt
