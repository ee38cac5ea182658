#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <mutex>
#include <optional>
#include <stop_token>
#include <thread>
#include <vector>

#include "data/sample_file.h"
#include "data/window_order.h"
#include "lacuna/data.h"

namespace lacuna {

/// Memory of so many rows, which follow each other in a circle.
struct SampleRing {
  std::byte* values = nullptr;
  std::int32_t* labels = nullptr;  ///< null: not wanted
  std::int64_t rows = 0;
};

/// Reads the samples of a streamed data set into a ring, in the order in which they are used and ahead of that, on
/// threads of its own. Rows are counted from where start() began, over epochs; each epoch begins at a multiple of the
/// batch, so that no batch lies across the ring's end, and so does each count that start() is given.
class SampleReader {
 public:
  /// batch: divides ring.rows, which must be at least ring_rows(). unit_interval: values must be in [0, 1].
  SampleReader(const Dataset& data, const data::WindowOrder& order, std::int64_t batch, SampleRing ring,
               bool unit_interval);
  SampleReader(const SampleReader&) = delete;
  SampleReader& operator=(const SampleReader&) = delete;

  /// What a ring needs so that one window can be read while another is used.
  static std::int64_t ring_rows(const data::WindowOrder& order, std::int64_t batch);

  /// Drops what was read, and begins at this sample of this epoch; with `once`, ends with that epoch.
  void start(std::int64_t epoch, std::int64_t position, bool once);
  /// Waits until the first `rows` rows have been read; returns how many have been, at least that. Throws what reading
  /// them threw: Error with file and offset, InputError with row and column of a value that cannot be used.
  std::int64_t wait(std::int64_t rows);
  /// The first `rows` rows may be written over.
  void release(std::int64_t rows);

 private:
  struct Window {
    data::OrderedWindow order;
    std::int64_t epoch = 0, begin = 0;        // count of its first row; less than 0: rows before the start
    std::int64_t next_block = 0, unread = 0;  // blocks to be begun, and to be ended
    std::int64_t end() const { return begin + order.rows; }
  };
  struct Task {
    Window* window = nullptr;
    std::int64_t block = 0;
  };

  void work(const std::stop_token& stop);
  bool next(Task& task);
  void open_next_window();
  void finish(const Task& task);
  void read(const Task& task, data::SampleFile::Scratch& scratch) const;
  void put(const Window& window, std::int64_t place, std::int64_t row, const std::byte* stored) const;
  void check(std::int64_t row, const std::byte* values) const;

  const Dataset data_;
  const data::WindowOrder order_;
  const std::int64_t padded_rows_;  // of an epoch
  const SampleRing ring_;
  const bool unit_interval_;

  std::mutex mutex_;
  std::condition_variable_any there_is_work_, there_are_rows_;
  // Guarded by the mutex:
  std::deque<Window> windows_;          // being read, in order
  std::int64_t epoch_ = 0, index_ = 0;  // the window to be opened next, ...
  std::int64_t epoch_begin_ = 0;        // ... and the count of its epoch's first row
  std::int64_t last_epoch_ = -1;        // none after it
  std::int64_t checked_epochs_ = 0;     // values of later ones have been looked at before
  std::int64_t released_ = 0, read_ = 0;
  int busy_ = 0;
  std::exception_ptr failure_;

  std::vector<std::jthread> threads_;  // ends first
};

}  // namespace lacuna
