#define LACUNA_CPU_TARGET avx2
#include "cpu/kernels.inl"
