#pragma once

// Formulas under math/ are written once for host and device. They are always inlined, because the CPU backend
// compiles them once for each instruction set and an out-of-line copy could end up in the wrong one.
#if defined(__CUDACC__)
#define LACUNA_HD __host__ __device__ __forceinline__
#else
#define LACUNA_HD inline __attribute__((always_inline))
#endif
