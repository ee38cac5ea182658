// Float32 products out of bfloat16 tiles, on processors that have these.

#include "cpu/split_gemm.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <limits>
#include <memory>
#include <tuple>
#include <utility>
#include <vector>

#include "support/random.h"

namespace lacuna::test {
namespace {

using cpu::Transpose;

struct Problem {
  std::int64_t m, n, k;
  Transpose transpose_a = Transpose::no, transpose_b = Transpose::no;
  std::vector<float> a = {}, b = {};

  float& left(std::int64_t row, std::int64_t d) {
    return a[static_cast<std::size_t>(transpose_a == Transpose::yes ? d * m + row : row * k + d)];
  }
  float& right(std::int64_t d, std::int64_t column) {
    return b[static_cast<std::size_t>(transpose_b == Transpose::yes ? column * k + d : d * n + column)];
  }
};

Problem random_problem(Problem p, double from = -1, double to = 1) {
  Random random(static_cast<std::uint64_t>(p.m * 31 + p.n * 7 + p.k));
  for (std::int64_t i = 0; i < p.m * p.k; ++i) p.a.push_back(static_cast<float>(random.uniform(from, to)));
  for (std::int64_t i = 0; i < p.k * p.n; ++i) p.b.push_back(static_cast<float>(random.uniform(from, to)));
  return p;
}

std::vector<float> product(const Problem& p, int threads, std::vector<float> c, bool accumulate) {
  struct Free {
    void operator()(std::uint16_t* memory) const { std::free(memory); }
  };
  const std::int64_t bytes = threads * cpu::kSplitGemmWorkspace * 2;
  const std::unique_ptr<std::uint16_t, Free> workspace(
      static_cast<std::uint16_t*>(std::aligned_alloc(64, static_cast<std::size_t>(bytes))));
  cpu::split_gemm({p.transpose_a, p.transpose_b, p.m, p.n, p.k, p.a.data(), p.b.data(), c.data(), accumulate,
                   workspace.get(), threads});
  return c;
}

/// C holds NaN before.
std::vector<float> product(const Problem& p, int threads = 2) {
  const std::vector<float> nan(static_cast<std::size_t>(p.m * p.n), std::numeric_limits<float>::quiet_NaN());
  return product(p, threads, nan, false);
}

/// Largest |c - a b| over the sum of |a_id b_dj| of its element.
double largest_error(Problem p, const std::vector<float>& c) {
  double largest = 0;
  for (std::int64_t i = 0; i < p.m; ++i)
    for (std::int64_t j = 0; j < p.n; ++j) {
      double sum = 0, magnitude = 0;
      for (std::int64_t d = 0; d < p.k; ++d) {
        const double term = static_cast<double>(p.left(i, d)) * static_cast<double>(p.right(d, j));
        sum += term;
        magnitude += std::abs(term);
      }
      const double error = std::abs(static_cast<double>(c[static_cast<std::size_t>(i * p.n + j)]) - sum) / magnitude;
      if (!(error <= largest)) largest = error;  // a NaN stays
    }
  return largest;
}

class SplitGemm : public testing::Test {
 protected:
  void SetUp() override {
    if (!cpu::has_split_gemm()) GTEST_SKIP() << "this processor has no tiles of bfloat16 (AMX)";
  }
};

using Sizes = std::tuple<std::int64_t, std::int64_t, std::int64_t>;

class SplitGemmOf : public SplitGemm, public testing::WithParamInterface<Sizes> {};

TEST_P(SplitGemmOf, IsAsGoodAsFloat32) {
  const auto [m, n, k] = GetParam();
  for (const Transpose transpose_a : {Transpose::no, Transpose::yes})
    for (const Transpose transpose_b : {Transpose::no, Transpose::yes})
      for (const double from : {-1.0, 0.5}) {
        SCOPED_TRACE(testing::Message() << "transposed: " << (transpose_a == Transpose::yes) << ", "
                                        << (transpose_b == Transpose::yes) << ", values from " << from);
        const Problem p = random_problem({m, n, k, transpose_a, transpose_b}, from, 1.0);
        // Six products of terms are summed for each of float32 numbers, and 2^-21 is left out; rounding errors of
        // either sign add up to the root of their number.
        const double bound = 0x1p-21 + 4 * 0x1p-24 * std::sqrt(6.0 * static_cast<double>(k));
        EXPECT_LE(largest_error(p, product(p)), bound);
      }
}

TEST_P(SplitGemmOf, HasTheSameBitsWithAnyNumberOfThreads) {
  const auto [m, n, k] = GetParam();
  const Problem p = random_problem({m, n, k, Transpose::no, Transpose::yes});
  const std::vector<float> one = product(p, 1);
  for (const int threads : {2, 3, 7, 16}) EXPECT_EQ(product(p, threads), one) << threads << " threads";
}

// Around the sizes of a tile, of two, of a panel, and of the depth that is summed at a time.
INSTANTIATE_TEST_SUITE_P(Sizes, SplitGemmOf,
                         testing::Values(Sizes{1, 1, 1}, Sizes{16, 16, 32}, Sizes{17, 15, 33}, Sizes{32, 32, 64},
                                         Sizes{33, 49, 31}, Sizes{100, 196, 70}, Sizes{3, 400, 784}, Sizes{5, 37, 1025},
                                         Sizes{5, 37, 513}, Sizes{40, 289, 512}, Sizes{20, 784, 500},
                                         Sizes{50, 210, 2100}, Sizes{31, 700, 1000}));

TEST_F(SplitGemm, NeedsEveryTermOfBothOperands) {
  // 1 + 2^-8 + 2^-16 has one bit in each term: without one of the six, at least 2^-16 would be missing; with them all
  // it is 2^-23 + 2^-32.
  Problem p{1, 1, 1};
  p.a = p.b = {0x1.0101p0f};
  EXPECT_NEAR(product(p)[0], 0x1.0101p0 * 0x1.0101p0, 0x1p-22);
}

TEST_F(SplitGemm, AddsToWhatIsThere) {
  const Problem p = random_problem({37, 50, 1100});
  const std::vector<float> alone = product(p);
  std::vector<float> thousand(alone.size(), 1000.0f);
  const std::vector<float> sums = product(p, 2, thousand, true);
  for (std::size_t i = 0; i < sums.size(); ++i) EXPECT_NEAR(sums[i], 1000.0f + alone[i], 2e-4f) << i;
}

TEST_F(SplitGemm, KeepsTheRangeOfFloat32) {
  constexpr float kLargest = std::numeric_limits<float>::max();
  Problem p = random_problem({20, 20, 40});
  for (std::int64_t d = 0; d < p.k; ++d) p.left(3, d) = d == 7 ? kLargest : 0.0f;
  for (std::int64_t j = 0; j < p.n; ++j) p.right(7, j) = 0x1p-100f * static_cast<float>(j + 1);
  const std::vector<float> c = product(p);
  for (std::int64_t j = 0; j < p.n; ++j) {
    const float expected = kLargest * (0x1p-100f * static_cast<float>(j + 1));
    EXPECT_NEAR(c[static_cast<std::size_t>(3 * p.n + j)] / expected, 1.0f, 1e-6f) << j;
  }
}

TEST_F(SplitGemm, LosesBitsOfVerySmallNumbers) {
  for (const auto& [exponent, bound] : {std::pair{-102, 0x1p-20}, std::pair{-110, 0x1p-14}, std::pair{-118, 0x1p-7}}) {
    Problem p = random_problem({16, 16, 32}, 0.5, 1.0);
    for (float& a : p.a) a = std::ldexp(a, exponent);
    EXPECT_LE(largest_error(p, product(p)), bound) << "2^" << exponent;
  }
}

TEST_F(SplitGemm, WhatIsNotFiniteStaysInItsRowAndColumn) {
  for (const float value : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    Problem p = random_problem({34, 35, 40});
    p.left(3, 5) = value;
    p.right(2, 33) = value;
    const std::vector<float> c = product(p);
    for (std::int64_t i = 0; i < p.m; ++i)
      for (std::int64_t j = 0; j < p.n; ++j)
        EXPECT_EQ(!std::isfinite(c[static_cast<std::size_t>(i * p.n + j)]), i == 3 || j == 33) << i << ", " << j;
  }
}

}  // namespace
}  // namespace lacuna::test
