#pragma once

#include <deque>
#include <memory>
#include <string>

#include "lacuna/backend.h"
#include "train/sample_reader.h"

namespace lacuna {

/// In which order a stream gives its samples, and what is asked of them.
struct StreamOptions {
  bool shuffle = false;
  std::uint64_t seed = 0;
  std::int64_t window = 1;  ///< samples
  bool labels = false;
  bool unit_interval = false;
};

/// The samples of a streamed data set, brought to the device window by window: to a plan they look like a data set of
/// rows() samples in the order in which they are used, over which it goes again and again without shuffling.
class SampleStream {
 public:
  /// batch: what all steps but an epoch's last take. The data must outlive the stream.
  SampleStream(Backend& backend, const Dataset& data, std::int64_t batch, const StreamOptions& options);

  std::int64_t rows() const { return ring_rows_; }
  DeviceBuffer& data() { return values_->buffer(); }
  /// nullptr if they were not asked for.
  DeviceBuffer* labels() { return labels_ ? &labels_->buffer() : nullptr; }

  /// How samples are read, for people.
  const std::string& remark() const { return remark_; }

  /// Goes on at this sample, a multiple of the batch, of this epoch: at once if it comes next, else from the file anew.
  /// Returns the row of data() at which it lies. once: nothing is read beyond the epoch.
  std::int64_t seek(std::int64_t epoch, std::int64_t position, bool once = false);
  /// Waits until the next `least` rows are on their way to the device, so that steps on them can be queued; returns how
  /// many are, at least that and at most `most`. Throws as SampleReader::wait does.
  std::int64_t ready(std::int64_t least, std::int64_t most);
  /// Steps on the next `samples` rows have been queued.
  void used(std::int64_t samples);

 private:
  /// Work that reads the rows before `used`, as feeds know it.
  struct Mark {
    std::int64_t used = 0, values = 0, labels = 0;
  };

  void show_sample(const Dataset& data, std::int64_t rows);
  void mark(std::int64_t used);
  void send(std::int64_t begin, std::int64_t end);
  void receive();
  void wait_sent();
  void give_back();

  const std::int64_t data_rows_, batch_, row_bytes_, ring_rows_;
  std::string remark_;
  std::unique_ptr<Feed> values_, labels_;
  std::int64_t epoch_ = -1, position_ = 0;  // of the next sample
  std::int64_t used_ = 0, sent_ = 0;        // rows, as the reader counts them
  std::int64_t received_ = 0;               // rows that steps queued from now on see
  bool shared_ = false;                     // the device uses the host's memory: nothing is copied
  std::deque<Mark> marks_;                  // the first: what the next copy waits for
  bool sending_ = false;                    // nobody has waited yet for what was sent last
  std::unique_ptr<SampleReader> reader_;    // ends before the memory that it writes into
};

}  // namespace lacuna
