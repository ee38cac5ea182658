#include "runtime/gemm.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <tuple>
#include <vector>

namespace simt_test {
namespace {

using simt::detail::Gemm;

class GemmShapes : public testing::TestWithParam<std::tuple<int, int, int, bool, bool>> {};

std::vector<float> random_values(std::size_t count, unsigned seed) {
  std::mt19937 generator(seed);
  std::uniform_real_distribution<float> uniform(-1, 1);
  std::vector<float> values(count);
  for (float& value : values) value = uniform(generator);
  return values;
}

TEST_P(GemmShapes, AgreesWithTheDefinition) {
  const auto [m, n, k, transpose_a, transpose_b] = GetParam();
  const int lda = (transpose_a ? k : m) + 3;
  const int ldb = (transpose_b ? n : k) + 1;
  const int ldc = m + 2;
  const auto a = random_values(static_cast<std::size_t>(lda * (transpose_a ? m : k)), 1);
  const auto b = random_values(static_cast<std::size_t>(ldb * (transpose_b ? k : n)), 2);
  const auto before = random_values(static_cast<std::size_t>(ldc * n), 3);
  auto c = before;
  Gemm gemm;
  gemm.m = m;
  gemm.n = n;
  gemm.k = k;
  gemm.alpha = 0.5F;
  gemm.beta = -2;
  gemm.a = {a.data(), lda, transpose_a};
  gemm.b = {b.data(), ldb, transpose_b};
  gemm.c = c.data();
  gemm.ldc = ldc;
  simt::detail::multiply(gemm);
  const auto at = [](const std::vector<float>& x, int i) { return x[static_cast<std::size_t>(i)]; };
  for (int j = 0; j < n; ++j) {
    for (int i = 0; i < m; ++i) {
      double sum = 0, magnitude = 0;
      for (int p = 0; p < k; ++p) {
        const double term = double{at(a, transpose_a ? p + i * lda : i + p * lda)} *
                            double{at(b, transpose_b ? j + p * ldb : p + j * ldb)};
        sum += term;
        magnitude += std::abs(term);
      }
      const double expected = 0.5 * sum - 2 * double{at(before, i + j * ldc)};
      ASSERT_NEAR(at(c, i + j * ldc), expected, 4e-7 + 2e-6 * magnitude) << i << ' ' << j;
    }
    for (int i = m; i < ldc; ++i) ASSERT_EQ(at(c, i + j * ldc), at(before, i + j * ldc)) << "padding of C";
  }
}

INSTANTIATE_TEST_SUITE_P(Awkward, GemmShapes,
                         testing::Combine(testing::Values(1, 7, 130), testing::Values(1, 6, 195),
                                          testing::Values(1, 5, 257), testing::Bool(), testing::Bool()));

TEST(GemmKernel, GivesTheSameBitsTwice) {
  const auto a = random_values(300 * 300, 4);
  std::vector<float> first(300 * 300), second(300 * 300);
  Gemm gemm;
  gemm.m = gemm.n = gemm.k = gemm.ldc = 300;
  gemm.a = gemm.b = {a.data(), 300};
  gemm.c = first.data();
  simt::detail::multiply(gemm);
  gemm.c = second.data();
  simt::detail::multiply(gemm);
  EXPECT_EQ(first, second);
}

TEST(GemmKernel, OfNoDepthOnlyScales) {
  std::vector<float> c{1, 2};
  Gemm gemm;
  gemm.m = 2;
  gemm.n = 1;
  gemm.beta = 3;
  gemm.a = {nullptr, 2};
  gemm.b = {nullptr, 1};
  gemm.c = c.data();
  gemm.ldc = 2;
  simt::detail::multiply(gemm);
  EXPECT_EQ(c, (std::vector<float>{3, 6}));
}

}  // namespace
}  // namespace simt_test
