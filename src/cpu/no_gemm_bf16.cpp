// In place of gemm_bf16_onednn.cpp where there is no oneDNN.

#include "cpu/gemm_bf16.h"
#include "lacuna/error.h"

namespace lacuna::cpu {

struct Bf16Gemm::Primitive {};

std::string why_no_bf16() {
  return "this build has no oneDNN, whose products it takes";
}

Bf16Gemm::Bf16Gemm(Transpose, Transpose, std::int64_t, std::int64_t, std::int64_t, bool, int) {
  throw Error("no bf16 products: " + why_no_bf16());
}
Bf16Gemm::~Bf16Gemm() = default;
void Bf16Gemm::operator()(const std::uint16_t*, const std::uint16_t*, float*) const {}
std::string Bf16Gemm::implementation() const {
  return "none";
}

}  // namespace lacuna::cpu
