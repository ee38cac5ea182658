#pragma once

#include <cstdint>

#include "lacuna/math/feistel.h"

namespace lacuna::data {

/// One window of an epoch: `rows` samples, those at the epoch's positions [begin, begin + rows). It is read in blocks
/// of consecutive rows; place l is the l-th of its rows in the order in which they are read.
struct OrderedWindow {
  std::int64_t begin = 0, rows = 0;
  std::int64_t first_block = 0, block_rows = 1;  ///< blocks counted through the epoch; the last one may have fewer rows
  std::int64_t data_rows = 0, full_blocks = 0, shift = 0;
  bool shuffled = false;   ///< within the window
  bool scattered = false;  ///< its blocks lie anywhere in the data set
  math::FeistelOrder within, blocks;

  std::int64_t block_count() const { return (rows + block_rows - 1) / block_rows; }
  /// The row of the data set at place l. Within a block rows follow each other, the first row of all after the last.
  std::int64_t row_at(std::int64_t place) const;
  /// Where within the window, counted from `begin`, place l is used; and the other way around.
  std::int64_t position_of(std::int64_t place) const;
  std::int64_t place_of(std::int64_t position) const;
};

/// In which order the samples of an epoch are used where they are read window by window: a pure function of seed, epoch
/// and position, which costs O(1) anywhere. The data set, turned by a random number of rows, is cut into blocks of
/// consecutive rows; a permutation of the blocks deals them to windows; and the rows of a window are permuted. A
/// window that holds everything gives the order of data in memory, FeistelOrder(seed, epoch, rows). Without shuffling
/// rows follow each other.
class WindowOrder {
 public:
  /// rows, window at least 1: how many there are, and how many a window may have. row_bytes: of a row of the file.
  WindowOrder(std::int64_t rows, std::int64_t window, std::int64_t row_bytes, bool shuffle, std::uint64_t seed);

  std::int64_t rows() const { return rows_; }
  std::int64_t windows() const { return windows_; }
  /// Of the largest window.
  std::int64_t most_rows() const;
  std::int64_t window_of(std::int64_t position) const;
  OrderedWindow window(std::int64_t epoch, std::int64_t index) const;
  /// The row used at a position of an epoch.
  std::int64_t row(std::int64_t epoch, std::int64_t position) const;

 private:
  std::int64_t first_block(std::int64_t index) const;

  std::int64_t rows_, block_rows_, blocks_, windows_;
  bool shuffle_;
  std::uint64_t seed_;
};

}  // namespace lacuna::data
