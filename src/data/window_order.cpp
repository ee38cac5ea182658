#include "data/window_order.h"

#include <algorithm>

#include "lacuna/error.h"

namespace lacuna::data {
namespace {

/// Long enough that reading blocks here and there costs a disk no more than reading on; short enough that a window of
/// the usual size mixes some hundred of them.
constexpr std::int64_t kBlockBytes = std::int64_t{512} << 10;
/// A small window has smaller blocks, for the same reason.
constexpr std::int64_t kFewestBlocks = 64;

/// Streams of the order's random numbers beside 0, that of data in memory: blocks, where they are cut, and from there
/// on each window's own.
constexpr std::uint32_t kBlockStream = 1, kShiftStream = 2, kFirstWindowStream = 3;

std::int64_t block_rows(std::int64_t window, std::int64_t row_bytes, bool shuffle) {
  const std::int64_t most = std::max<std::int64_t>(1, kBlockBytes / row_bytes);
  return std::clamp<std::int64_t>(shuffle ? window / kFewestBlocks : window, 1, most);
}

std::int64_t random_shift(std::uint64_t seed, std::int64_t epoch, std::int64_t rows) {
  const math::Philox4 random =
      math::random_block(seed, math::Purpose::order, 2 * kShiftStream, static_cast<std::uint64_t>(epoch));
  const std::uint64_t word = std::uint64_t{random.word[0]} << 32 | random.word[1];
  return static_cast<std::int64_t>(word % static_cast<std::uint64_t>(rows));
}

}  // namespace

std::int64_t OrderedWindow::row_at(std::int64_t place) const {
  const std::int64_t block = first_block + place / block_rows;
  const bool moved = scattered && block < full_blocks;  // one that is not full comes last
  const auto from = moved ? static_cast<std::int64_t>(blocks(static_cast<std::uint64_t>(block))) : block;
  const std::int64_t row = from * block_rows + place % block_rows + shift;
  return row >= data_rows ? row - data_rows : row;
}

std::int64_t OrderedWindow::position_of(std::int64_t place) const {
  return shuffled ? static_cast<std::int64_t>(within.inverse(static_cast<std::uint64_t>(place))) : place;
}

std::int64_t OrderedWindow::place_of(std::int64_t position) const {
  return shuffled ? static_cast<std::int64_t>(within(static_cast<std::uint64_t>(position))) : position;
}

WindowOrder::WindowOrder(std::int64_t rows, std::int64_t window, std::int64_t row_bytes, bool shuffle,
                         std::uint64_t seed)
    : rows_(rows),
      block_rows_(block_rows(std::min(window, rows), row_bytes, shuffle)),
      blocks_((rows + block_rows_ - 1) / block_rows_),
      shuffle_(shuffle),
      seed_(seed) {
  LACUNA_EXPECTS(rows >= 1 && window >= 1 && row_bytes >= 1, "an order is one of rows in windows");
  const std::int64_t blocks_in_window = std::max<std::int64_t>(1, window / block_rows_);
  windows_ = window >= rows ? 1 : (blocks_ + blocks_in_window - 1) / blocks_in_window;
}

/// Blocks are shared out evenly: a small window at the end would hardly be shuffled.
std::int64_t WindowOrder::first_block(std::int64_t index) const {
  return index * (blocks_ / windows_) + std::min(index, blocks_ % windows_);
}

std::int64_t WindowOrder::most_rows() const {
  return std::min(rows_, first_block(1) * block_rows_);
}

std::int64_t WindowOrder::window_of(std::int64_t position) const {
  const std::int64_t block = position / block_rows_, each = blocks_ / windows_, larger = blocks_ % windows_;
  const std::int64_t in_larger = larger * (each + 1);
  return block < in_larger ? block / (each + 1) : larger + (block - in_larger) / each;
}

OrderedWindow WindowOrder::window(std::int64_t epoch, std::int64_t index) const {
  OrderedWindow w;
  w.first_block = first_block(index);
  w.block_rows = block_rows_;
  w.begin = w.first_block * block_rows_;
  w.rows = std::min(rows_, first_block(index + 1) * block_rows_) - w.begin;
  w.data_rows = rows_;
  w.full_blocks = rows_ / block_rows_;
  w.shuffled = shuffle_;
  w.scattered = shuffle_ && windows_ > 1;
  if (!shuffle_) return w;
  const auto e = static_cast<std::uint64_t>(epoch), size = static_cast<std::uint64_t>(w.rows);
  if (!w.scattered) {
    w.within = math::FeistelOrder(seed_, e, size);
    return w;
  }
  w.within = math::FeistelOrder(seed_, e, size, kFirstWindowStream + static_cast<std::uint32_t>(index));
  w.blocks = math::FeistelOrder(seed_, e, static_cast<std::uint64_t>(w.full_blocks), kBlockStream);
  w.shift = random_shift(seed_, epoch, rows_);
  return w;
}

std::int64_t WindowOrder::row(std::int64_t epoch, std::int64_t position) const {
  const OrderedWindow w = window(epoch, window_of(position));
  return w.row_at(w.place_of(position - w.begin));
}

}  // namespace lacuna::data
