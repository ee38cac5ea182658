#define LACUNA_CPU_TARGET avx512
#include "cpu/kernels.inl"
