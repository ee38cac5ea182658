#pragma once

#include <vector>

#include "cpu/gemm.h"

namespace lacuna::bench {

/// The five products of a step on M samples, D features and H units, as the library computes them.
class Products {
 public:
  Products(std::int64_t m, std::int64_t d, std::int64_t h)
      : m_(m),
        d_(d),
        h_(h),
        x_(fill(m * d)),
        w1_(fill(h * d)),
        code_(fill(m * h)),
        w2_(fill(d * h)),
        out_(fill(m * d)),
        dw1_(fill(h * d)),
        dw2_(fill(d * h)),
        delta_(fill(m * h)) {}

  void run() {
    cpu::library_gemm(cpu::Transpose::no, cpu::Transpose::yes, m_, h_, d_, x_.data(), w1_.data(), code_.data());
    cpu::library_gemm(cpu::Transpose::no, cpu::Transpose::yes, m_, d_, h_, code_.data(), w2_.data(), out_.data());
    cpu::library_gemm(cpu::Transpose::yes, cpu::Transpose::no, d_, h_, m_, out_.data(), code_.data(), dw2_.data());
    cpu::library_gemm(cpu::Transpose::no, cpu::Transpose::no, m_, h_, d_, out_.data(), w2_.data(), delta_.data());
    cpu::library_gemm(cpu::Transpose::yes, cpu::Transpose::no, h_, d_, m_, delta_.data(), x_.data(), dw1_.data());
  }

 private:
  static std::vector<float> fill(std::int64_t count) {
    std::vector<float> values(static_cast<std::size_t>(count));
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = 1e-3f * static_cast<float>(i * 2654435761u % 1000u);
    return values;
  }
  std::int64_t m_, d_, h_;
  std::vector<float> x_, w1_, code_, w2_, out_, dw1_, dw2_, delta_;
};

}  // namespace lacuna::bench
