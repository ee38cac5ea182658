#define LACUNA_CPU_TARGET baseline
#include "cpu/kernels.inl"
