#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "lacuna/math/feistel.h"

namespace lacuna::math {
namespace {

std::vector<std::uint64_t> permutation(std::uint64_t seed, std::uint64_t epoch, std::uint64_t size) {
  const FeistelOrder order(seed, epoch, size);
  std::vector<std::uint64_t> values(size);
  for (std::uint64_t i = 0; i < size; ++i) values[i] = order(i);
  return values;
}

class FeistelSize : public testing::TestWithParam<std::uint64_t> {};

TEST_P(FeistelSize, IsAPermutation) {
  const std::uint64_t size = GetParam();
  for (std::uint64_t epoch = 0; epoch < 3; ++epoch) {
    std::vector<std::uint64_t> values = permutation(42, epoch, size);
    std::sort(values.begin(), values.end());
    std::vector<std::uint64_t> expected(size);
    std::iota(expected.begin(), expected.end(), std::uint64_t{0});
    EXPECT_EQ(values, expected) << "epoch " << epoch;
  }
}

TEST_P(FeistelSize, IsUndoneByItsInverse) {
  const FeistelOrder order(42, 3, GetParam(), 5);
  for (std::uint64_t i = 0; i < GetParam(); ++i) ASSERT_EQ(order.inverse(order(i)), i);
}

TEST(Feistel, StreamsHaveOrdersOfTheirOwn) {
  const FeistelOrder one(42, 3, 1000, 1), other(42, 3, 1000, 2);
  std::uint64_t same = 0;
  for (std::uint64_t i = 0; i < 1000; ++i) same += one(i) == other(i) ? 1 : 0;
  EXPECT_LT(same, 20u);
}

INSTANTIATE_TEST_SUITE_P(Sizes, FeistelSize,
                         testing::Values(1, 2, 3, 4, 5, 16, 17, 31, 32, 33, 1000, 1023, 4096, 4097, 60000));

TEST(Feistel, StaysInRangeBeyond32Bits) {
  const std::uint64_t size = (std::uint64_t{1} << 33) + 7;
  const FeistelOrder order(1, 0, size);
  bool beyond_32_bits = false;
  for (std::uint64_t i = 0; i < 1000; ++i) {
    ASSERT_LT(order(size - 1 - i), size);
    beyond_32_bits = beyond_32_bits || order(size - 1 - i) > 0xFFFFFFFFu;
  }
  EXPECT_TRUE(beyond_32_bits);
}

TEST(Feistel, ChangesWithSeedAndEpoch) {
  const auto base = permutation(1, 0, 1000);
  EXPECT_EQ(base, permutation(1, 0, 1000));
  EXPECT_NE(base, permutation(2, 0, 1000));
  EXPECT_NE(base, permutation(1, 1, 1000));
  EXPECT_NE(base, permutation(std::uint64_t{1} << 32 | 1, 0, 1000)) << "the upper half of the seed counts too";
}

/// Pearson's statistic of `counts` against equal expectation, in standard deviations from its mean.
double chi_square_score(const std::vector<int>& counts) {
  const double total = std::accumulate(counts.begin(), counts.end(), 0.0);
  const double expected = total / static_cast<double>(counts.size());
  double statistic = 0.0;
  for (int count : counts) statistic += (count - expected) * (count - expected) / expected;
  const double degrees = static_cast<double>(counts.size()) - 1.0;
  return (statistic - degrees) / std::sqrt(2.0 * degrees);
}

class FeistelPosition : public testing::TestWithParam<std::uint64_t> {};

// The row that stands at a given position is uniform over epochs: 20,000 epochs of 31 rows.
TEST_P(FeistelPosition, HoldsEveryRowEquallyOften) {
  constexpr std::uint64_t kRows = 31;
  std::vector<int> counts(kRows);
  for (std::uint64_t epoch = 0; epoch < 20000; ++epoch) ++counts[FeistelOrder(7, epoch, kRows)(GetParam())];
  EXPECT_LT(std::abs(chi_square_score(counts)), 4.0);
}

INSTANTIATE_TEST_SUITE_P(Positions, FeistelPosition, testing::Values(0, 1, 15, 30));

// Neighbours in the data set are not neighbours in the order: the difference of the rows at positions 0 and 1 is
// uniform over the 30 values it can take.
TEST(Feistel, SeparatesNeighbours) {
  constexpr std::uint64_t kRows = 31;
  std::vector<int> counts(kRows - 1);
  for (std::uint64_t epoch = 0; epoch < 20000; ++epoch) {
    const FeistelOrder order(8, epoch, kRows);
    ++counts[(order(1) + kRows - order(0)) % kRows - 1];
  }
  EXPECT_LT(std::abs(chi_square_score(counts)), 4.0);
}

}  // namespace
}  // namespace lacuna::math
