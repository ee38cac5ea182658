#include "train/sample_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "lacuna/error.h"

namespace lacuna {

namespace {

/// So many blocks are asked for at once, which is what a disk needs to be busy. They hardly compute.
constexpr int kReaders = 4;

/// Whether all are finite, and, if asked for, in [0, 1]. Bit patterns of floats are ordered as their magnitudes are;
/// read as signed numbers those of negative floats are negative. Comparisons of signed numbers whose results are
/// collected by bits are what every x86 processor has vectors for: readers take their time from the training. -0 is 0.
bool all_usable(const std::byte* values, std::int64_t count, bool unit_interval) {
  constexpr std::int32_t kMagnitude = 0x7fffffff, kLargest = 0x7f7fffff, kOne = 0x3f800000;
  const auto bits_of = [values](std::int64_t i) {  // they may lie at any address
    std::int32_t bits = 0;
    std::memcpy(&bits, values + i * 4, sizeof bits);
    return bits;
  };
  std::int32_t wrong = 0;
  if (unit_interval) {
    for (std::int64_t i = 0; i < count; ++i) {
      const std::int32_t bits = bits_of(i);
      const bool is_negative = bits < 0 && (bits & kMagnitude) != 0;
      wrong |= -static_cast<std::int32_t>(is_negative) | -static_cast<std::int32_t>(bits > kOne);
    }
  } else {
    for (std::int64_t i = 0; i < count; ++i) {
      const std::int32_t magnitude = bits_of(i) & kMagnitude;
      wrong |= -static_cast<std::int32_t>(magnitude > kLargest);
    }
  }
  return wrong == 0;
}

}  // namespace

SampleReader::SampleReader(const Dataset& data, const data::WindowOrder& order, std::int64_t batch, SampleRing ring,
                           bool unit_interval)
    : data_(data),
      order_(order),
      padded_rows_((data.rows() + batch - 1) / batch * batch),
      ring_(ring),
      unit_interval_(unit_interval) {
  LACUNA_EXPECTS(ring.rows % batch == 0 && ring.rows >= ring_rows(order, batch), "the ring holds two windows");
  for (int i = 0; i < kReaders; ++i) threads_.emplace_back([this](const std::stop_token& stop) { work(stop); });
}

std::int64_t SampleReader::ring_rows(const data::WindowOrder& order, std::int64_t batch) {
  // A batch may begin in the window before; and an epoch that ends with a smaller batch leaves a gap.
  return (2 * order.most_rows() + batch - 1) / batch * batch + 2 * batch;
}

void SampleReader::start(std::int64_t epoch, std::int64_t position, bool once) {
  std::unique_lock lock(mutex_);
  last_epoch_ = -1;  // nothing more is begun
  there_are_rows_.wait(lock, [this] { return busy_ == 0; });
  windows_.clear();
  failure_ = nullptr;
  released_ = read_ = 0;
  epoch_ = epoch;
  index_ = order_.window_of(position);
  epoch_begin_ = -position;
  last_epoch_ = once ? epoch : INT64_MAX;
  checked_epochs_ = std::max(checked_epochs_, epoch + (position > 0 ? 2 : 1));
  there_is_work_.notify_all();
}

std::int64_t SampleReader::wait(std::int64_t rows) {
  std::unique_lock lock(mutex_);
  there_are_rows_.wait(lock, [&] { return read_ >= rows || failure_; });
  if (read_ < rows) std::rethrow_exception(failure_);
  return read_;
}

void SampleReader::release(std::int64_t rows) {
  const std::lock_guard lock(mutex_);
  released_ = rows;
  there_is_work_.notify_all();
}

void SampleReader::work(const std::stop_token& stop) {
  data::SampleFile::Scratch scratch;
  std::unique_lock lock(mutex_);
  Task task;
  while (there_is_work_.wait(lock, stop, [&] { return !stop.stop_requested() && next(task); })) {
    ++busy_;
    lock.unlock();
    std::exception_ptr failure;
    try {
      read(task, scratch);
    } catch (...) {
      failure = std::current_exception();
    }
    lock.lock();
    --busy_;
    if (!failure)
      finish(task);
    else if (!failure_)
      failure_ = failure;
    there_are_rows_.notify_all();
  }
}

/// The next block to be read, if there is room for it.
bool SampleReader::next(Task& task) {
  if (failure_ || last_epoch_ < 0) return false;
  if (windows_.empty() || windows_.back().next_block == windows_.back().order.block_count()) open_next_window();
  if (windows_.empty()) return false;
  Window& window = windows_.back();
  if (window.next_block == window.order.block_count()) return false;
  task = {&window, window.next_block++};
  return true;
}

void SampleReader::open_next_window() {
  if (epoch_ > last_epoch_) return;
  Window window;
  window.order = order_.window(epoch_, index_);
  window.epoch = epoch_;
  window.begin = epoch_begin_ + window.order.begin;
  window.unread = window.order.block_count();
  if (window.end() - released_ > ring_.rows) return;
  windows_.push_back(window);
  if (++index_ < order_.windows()) return;
  index_ = 0;
  ++epoch_;
  epoch_begin_ += padded_rows_;
}

/// Rows count as read when all before them have been.
void SampleReader::finish(const Task& task) {
  --task.window->unread;
  while (!windows_.empty() && windows_.front().unread == 0) {
    read_ = windows_.front().end();
    windows_.pop_front();
  }
}

void SampleReader::read(const Task& task, data::SampleFile::Scratch& scratch) const {
  const Window& window = *task.window;
  const std::int64_t first = task.block * window.order.block_rows;
  const std::int64_t end = std::min(first + window.order.block_rows, window.order.rows);
  for (std::int64_t place = first; place < end;) {
    const std::int64_t row = window.order.row_at(place);
    const std::int64_t run = std::min(end - place, data_.rows() - row);  // the first row of all follows the last
    const std::byte* stored = data_.file().read(data_.file_row() + row, run, scratch);
    for (std::int64_t i = 0; i < run; ++i)
      put(window, place + i, row + i, stored + i * data_.file().stored_row_bytes());
    place += run;
  }
}

void SampleReader::put(const Window& window, std::int64_t place, std::int64_t row, const std::byte* stored) const {
  const std::int64_t count = window.begin + window.order.position_of(place);
  if (count < 0) return;  // used before the start
  const std::int64_t slot = count % ring_.rows;
  std::byte* to = ring_.values + slot * data_.features() * size_of(data_.dtype());
  const bool is_checked = data_.dtype() == DType::f32 && window.epoch < checked_epochs_;
  // Before it is copied, if it is only copied: what was just written is not in the cache.
  const bool is_copied = data_.file().stored_as_used();
  if (is_checked && is_copied) check(row, stored);
  data_.file().convert(stored, data_.features(), to);
  if (is_checked && !is_copied) check(row, to);
  if (ring_.labels) ring_.labels[slot] = data_.labels()[static_cast<std::size_t>(row)];
}

void SampleReader::check(std::int64_t row, const std::byte* values) const {
  if (all_usable(values, data_.features(), unit_interval_)) return;
  for (std::int64_t column = 0; column < data_.features(); ++column) {
    const std::byte* at = values + column * 4;
    if (all_usable(at, 1, unit_interval_)) continue;
    float value = 0;
    std::memcpy(&value, at, sizeof value);
    const bool finite = std::isfinite(value);
    throw InputError(
        fmt::format("{}: row {}, column {} is {}: {}", data_.name(), row, column, value,
                    finite ? "the loss \"bce\" needs values in [0, 1]; rescale the data or use --loss half-squared"
                           : "values must be finite; clean the data"));
  }
}

}  // namespace lacuna
