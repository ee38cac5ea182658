// Part of kernels.inl's translation units: the vectors of the instruction set.

namespace lacuna::cpu::LACUNA_CPU_TARGET {
namespace {

#if defined(__AVX512F__)
constexpr int kLanes = 16;
#elif defined(__AVX2__)
constexpr int kLanes = 8;
#else
constexpr int kLanes = 4;
#endif
using Vector = float __attribute__((vector_size(kLanes * sizeof(float))));

Vector load(const float* from) {
  Vector v;
  __builtin_memcpy(&v, from, sizeof v);
  return v;
}

void store(float* to, const Vector& v) {
  __builtin_memcpy(to, &v, sizeof v);
}

}  // namespace
}  // namespace lacuna::cpu::LACUNA_CPU_TARGET
