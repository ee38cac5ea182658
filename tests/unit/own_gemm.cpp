// Lacuna's own matrix product: every build has it, builds without oneDNN use it.

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <limits>
#include <memory>
#include <tuple>
#include <vector>

#include "cpu/kernels.h"
#include "support/random.h"

namespace lacuna::test {
namespace {

using cpu::GemmArgs;

struct Problem {
  std::int64_t m, n, k;
  bool transpose_a, transpose_b;
  std::vector<float> a, b;

  GemmArgs::Operand left() const {
    return transpose_a ? GemmArgs::Operand{a.data(), 1, m} : GemmArgs::Operand{a.data(), k, 1};
  }
  GemmArgs::Operand right() const {
    return transpose_b ? GemmArgs::Operand{b.data(), 1, k} : GemmArgs::Operand{b.data(), n, 1};
  }
};

Problem random_problem(std::int64_t m, std::int64_t n, std::int64_t k, bool transpose_a, bool transpose_b) {
  Random random(static_cast<std::uint64_t>(m * 31 + n * 7 + k));
  Problem p{m, n, k, transpose_a, transpose_b, {}, {}};
  for (std::int64_t i = 0; i < m * k; ++i) p.a.push_back(static_cast<float>(random.uniform(-1, 1)));
  for (std::int64_t i = 0; i < k * n; ++i) p.b.push_back(static_cast<float>(random.uniform(-1, 1)));
  return p;
}

/// C holds NaN before.
std::vector<float> product(const Problem& p, int threads) {
  struct Free {
    void operator()(float* memory) const { std::free(memory); }
  };
  const std::int64_t floats = cpu::kernels().gemm_workspace;
  const std::unique_ptr<float, Free> packed(
      static_cast<float*>(std::aligned_alloc(64, static_cast<std::size_t>(floats) * sizeof(float))));
  std::vector<float> c(static_cast<std::size_t>(p.m * p.n), std::numeric_limits<float>::quiet_NaN());
  cpu::kernels().gemm({p.m, p.n, p.k, p.left(), p.right(), c.data(), false, packed.get(), threads});
  return c;
}

double at(const GemmArgs::Operand& operand, std::int64_t row, std::int64_t column) {
  return static_cast<double>(operand.values[row * operand.row_stride + column * operand.column_stride]);
}

void expect_close(const Problem& p, const std::vector<float>& c) {
  for (std::int64_t i = 0; i < p.m; ++i)
    for (std::int64_t j = 0; j < p.n; ++j) {
      double sum = 0, magnitude = 0;
      for (std::int64_t d = 0; d < p.k; ++d) {
        const double term = at(p.left(), i, d) * at(p.right(), d, j);
        sum += term;
        magnitude += std::abs(term);
      }
      // Higham, "Accuracy and Stability of Numerical Algorithms", (3.5).
      const double bound = static_cast<double>(p.k) * 0x1p-24 * magnitude;
      ASSERT_NEAR(static_cast<double>(c[static_cast<std::size_t>(i * p.n + j)]), sum, bound) << "at " << i << ", " << j;
    }
}

using Sizes = std::tuple<std::int64_t, std::int64_t, std::int64_t>;

class OwnGemm : public testing::TestWithParam<Sizes> {};

TEST_P(OwnGemm, MatchesDoublePrecision) {
  const auto [m, n, k] = GetParam();
  for (const bool transpose_a : {false, true})
    for (const bool transpose_b : {false, true}) {
      SCOPED_TRACE(testing::Message() << "transposed: " << transpose_a << ", " << transpose_b);
      const Problem p = random_problem(m, n, k, transpose_a, transpose_b);
      expect_close(p, product(p, 2));
    }
}

TEST_P(OwnGemm, BitsDoNotDependOnTheNumberOfThreads) {
  const auto [m, n, k] = GetParam();
  const Problem p = random_problem(m, n, k, false, true);
  const std::vector<float> one = product(p, 1);
  for (const int threads : {2, 3, 7}) EXPECT_EQ(product(p, threads), one) << threads << " threads";
}

// Around the sizes of a tile, and beyond the blocks that are packed at a time.
INSTANTIATE_TEST_SUITE_P(Sizes, OwnGemm,
                         testing::Values(Sizes{1, 1, 1}, Sizes{6, 16, 4}, Sizes{12, 32, 7}, Sizes{13, 33, 256},
                                         Sizes{31, 15, 257}, Sizes{100, 196, 70}, Sizes{1009, 9, 3}, Sizes{5, 1025, 3},
                                         Sizes{2017, 2049, 1}, Sizes{7, 17, 1000}));

TEST(OwnGemm, WithoutDepthIsZero) {
  const Problem p = random_problem(7, 5, 0, false, false);
  EXPECT_EQ(product(p, 2), std::vector<float>(35, 0.0f));
}

TEST(OwnGemm, NanStaysInItsRowAndColumn) {
  Problem p = random_problem(14, 35, 20, false, false);
  p.a[3 * 20 + 5] = std::numeric_limits<float>::quiet_NaN();   // row 3
  p.b[2 * 35 + 33] = std::numeric_limits<float>::quiet_NaN();  // column 33
  const std::vector<float> c = product(p, 2);
  for (std::int64_t i = 0; i < p.m; ++i)
    for (std::int64_t j = 0; j < p.n; ++j)
      EXPECT_EQ(std::isnan(c[static_cast<std::size_t>(i * p.n + j)]), i == 3 || j == 33) << i << ", " << j;
}

}  // namespace
}  // namespace lacuna::test
