#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <set>
#include <vector>

#include "data/window_order.h"

namespace lacuna::data {
namespace {

struct Case {
  std::int64_t rows, window, row_bytes;
  bool shuffle;
};

void PrintTo(const Case& c, std::ostream* out) {
  *out << c.rows << " rows in windows of " << c.window << (c.shuffle ? ", shuffled" : "");
}

std::vector<std::int64_t> rows_of(const WindowOrder& order, std::int64_t epoch) {
  std::vector<std::int64_t> rows;
  for (std::int64_t i = 0; i < order.rows(); ++i) rows.push_back(order.row(epoch, i));
  return rows;
}

class Windows : public testing::TestWithParam<Case> {};

TEST_P(Windows, EachEpochUsesEveryRowOnce) {
  const auto [rows, window, row_bytes, shuffle] = GetParam();
  const WindowOrder order(rows, window, row_bytes, shuffle, 7);
  std::vector<std::int64_t> all(static_cast<std::size_t>(rows));
  std::iota(all.begin(), all.end(), 0);
  for (std::int64_t epoch : {0, 1, 1000}) {
    std::vector<std::int64_t> used = rows_of(order, epoch);
    std::ranges::sort(used);
    EXPECT_EQ(used, all) << "epoch " << epoch;
  }
}

/// What the reader goes by, block after block, and what row() says of a position alone.
TEST_P(Windows, ReadingInBlocksGivesTheSameOrder) {
  const auto [rows, window, row_bytes, shuffle] = GetParam();
  const WindowOrder order(rows, window, row_bytes, shuffle, 7);
  std::int64_t position = 0;
  for (std::int64_t index = 0; index < order.windows(); ++index) {
    const OrderedWindow w = order.window(3, index);
    ASSERT_EQ(w.begin, position);
    EXPECT_LE(w.rows, window);
    EXPECT_LE(w.rows, order.most_rows());
    EXPECT_LE((w.block_count() - 1) * w.block_rows, w.rows - 1);
    for (std::int64_t place = 0; place < w.rows; ++place) {
      const std::int64_t at = w.begin + w.position_of(place);
      ASSERT_EQ(order.window_of(at), index);
      ASSERT_EQ(order.row(3, at), w.row_at(place));
      if (place % w.block_rows > 0) {
        ASSERT_EQ(w.row_at(place), (w.row_at(place - 1) + 1) % rows) << "not the next row";
      }
    }
    position += w.rows;
  }
  EXPECT_EQ(position, rows);
}

INSTANTIATE_TEST_SUITE_P(Each, Windows,
                         testing::Values(Case{1, 1, 4, true}, Case{10, 3, 4, true}, Case{1000, 64, 4, true},
                                         Case{1000, 999, 4, true}, Case{1000, 1000, 4, true}, Case{1000, 640, 4, true},
                                         Case{1001, 130, 4, true}, Case{4097, 700, 100'000, true},
                                         Case{4097, 64, 1 << 20, true}, Case{1000, 64, 4, false},
                                         Case{1001, 130, 100'000, false}, Case{5, 100, 4, false}));

TEST(WindowOrder, AWindowThatHoldsEverythingIsTheOrderOfDataInMemory) {
  for (std::int64_t window : {777, 778, 100'000}) {
    const WindowOrder order(777, window, 3136, true, 42);
    for (std::int64_t epoch : {0, 5}) {
      const math::FeistelOrder memory(42, static_cast<std::uint64_t>(epoch), 777);
      for (std::int64_t i = 0; i < 777; ++i)
        ASSERT_EQ(order.row(epoch, i), static_cast<std::int64_t>(memory(static_cast<std::uint64_t>(i))));
    }
  }
}

TEST(WindowOrder, WithoutShufflingRowsFollowEachOther) {
  const WindowOrder order(1000, 64, 4, false, 42);
  for (std::int64_t i = 0; i < 1000; ++i) ASSERT_EQ(order.row(9, i), i);
}

TEST(WindowOrder, EpochsAndSeedsHaveOrdersOfTheirOwn) {
  const WindowOrder order(2000, 256, 4, true, 1), other(2000, 256, 4, true, 2);
  EXPECT_NE(rows_of(order, 0), rows_of(order, 1));
  EXPECT_NE(rows_of(order, 0), rows_of(other, 0));
}

/// Data that lie class by class: every batch must see rows from all over.
TEST(WindowOrder, AWindowMixesRowsFromEverywhere) {
  const WindowOrder order(100'000, 6400, 784, true, 3);
  for (std::int64_t begin : {0, 30'000, 99'900}) {
    std::set<std::int64_t> tenths;
    for (std::int64_t i = begin; i < begin + 100; ++i) tenths.insert(order.row(0, i) / 10'000);
    EXPECT_GE(tenths.size(), 9u) << "from position " << begin;
  }
}

/// Two halves of one window are as alike as chance makes them: a window is not used block by block.
TEST(WindowOrder, BlocksAreSpreadOverTheirWindow) {
  const WindowOrder order(100'000, 6400, 784, true, 3);
  const OrderedWindow w = order.window(0, 4);
  for (std::int64_t block = 0; block < w.block_count(); ++block) {
    std::int64_t early = 0, rows = 0;
    for (std::int64_t place = block * w.block_rows; place < std::min((block + 1) * w.block_rows, w.rows); ++place) {
      ++rows;
      early += w.position_of(place) < w.rows / 2 ? 1 : 0;
    }
    ASSERT_EQ(rows, 100);
    EXPECT_GT(early, 20) << "block " << block;
    EXPECT_LT(early, 80) << "block " << block;
  }
}

/// Consecutive rows do not stay together from epoch to epoch: blocks are cut elsewhere in each.
TEST(WindowOrder, BlocksAreCutElsewhereInEachEpoch) {
  const WindowOrder order(10'000, 640, 784, true, 3);
  std::set<std::int64_t> cuts;
  for (std::int64_t epoch = 0; epoch < 20; ++epoch) {
    const OrderedWindow w = order.window(epoch, 0);
    cuts.insert(w.row_at(0) % w.block_rows);
  }
  EXPECT_GT(cuts.size(), 5u);
}

TEST(WindowOrder, AnyPositionOfTheLargestDataIsFoundAtOnce) {
  const std::int64_t rows = std::int64_t{1} << 40;
  const WindowOrder order(rows, std::int64_t{1} << 24, 512, true, 3);
  for (std::int64_t i = 0; i < 1000; ++i) {
    const std::int64_t row = order.row(12, rows - 1 - i * 1'000'003);
    EXPECT_GE(row, 0);
    EXPECT_LT(row, rows);
  }
}

}  // namespace
}  // namespace lacuna::data
