#pragma once

#include <cuda_runtime.h>

// Dynamic shared memory, which the emulator declares in its own way: floats at an address aligned to 16 bytes.
#if defined(__CUDACC__)
#define LACUNA_DYNAMIC_SHARED(name) extern __shared__ __align__(16) float name[]
#else
#define LACUNA_DYNAMIC_SHARED(name) SIMT_DYNAMIC_SHARED(float, name)
#endif
