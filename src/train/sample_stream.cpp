#include "train/sample_stream.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <utility>

namespace lacuna {

namespace {

data::WindowOrder order_of(const Dataset& data, const StreamOptions& options) {
  return {data.rows(), options.window, data.file().stored_row_bytes(), options.shuffle, options.seed};
}

}  // namespace

SampleStream::SampleStream(Backend& backend, const Dataset& data, std::int64_t batch, const StreamOptions& options)
    : data_rows_(data.rows()),
      batch_(batch),
      row_bytes_(data.features() * size_of(data.dtype())),
      ring_rows_(SampleReader::ring_rows(order_of(data, options), batch)),
      values_(backend.feed(ring_rows_ * row_bytes_, "two windows of samples")) {
  if (options.labels) labels_ = backend.feed(ring_rows_ * size_of(DType::i32), "the labels of two windows");
  shared_ = values_->staging() == values_->buffer().address();
  show_sample(data, ring_rows_);
  const data::WindowOrder order = order_of(data, options);
  remark_ =
      fmt::format("samples are streamed from {} in {} windows of up to {}, {:.0f} MiB{}", data.file().path(),
                  order.windows(), order.most_rows(), static_cast<double>(order.most_rows() * row_bytes_) / 0x1p20,
                  options.shuffle ? ", and shuffled within them" : "");
  const SampleRing ring{values_->staging(), labels_ ? reinterpret_cast<std::int32_t*>(labels_->staging()) : nullptr,
                        ring_rows_};
  reader_ = std::make_unique<SampleReader>(data, order, batch, ring, options.unit_interval);
}

/// Samples spread evenly over the data set, spread evenly over the rows: a backend that looks at some of its data to
/// choose how it computes then sees what it would see of the whole, and computes the same bits.
void SampleStream::show_sample(const Dataset& data, std::int64_t rows) {
  const std::int64_t samples = std::min<std::int64_t>({256, data.rows(), rows});
  data::SampleFile::Scratch scratch;
  for (std::int64_t i = 0; i < samples; ++i) {
    std::byte* first = values_->staging() + rows * i / samples * row_bytes_;
    data.file().read_values(data.file_row() + data.rows() * i / samples, 1, scratch, first);
    const std::byte* end = values_->staging() + rows * (i + 1) / samples * row_bytes_;
    for (std::byte* copy = first + row_bytes_; copy < end; copy += row_bytes_)
      std::memcpy(copy, first, static_cast<std::size_t>(row_bytes_));
  }
  mark(0);
  send(0, rows);
  receive();
}

void SampleStream::mark(std::int64_t used) {
  marks_.push_back({used, values_->mark(), labels_ ? labels_->mark() : 0});
}

/// Rows come to where those of a lap before lie, so these must have been used.
void SampleStream::send(std::int64_t begin, std::int64_t end) {
  while (marks_.size() > 1 && marks_.front().used < end - ring_rows_) marks_.pop_front();
  const Mark& after = marks_.front();
  while (begin < end) {
    const std::int64_t slot = begin % ring_rows_, rows = std::min(end - begin, ring_rows_ - slot);
    values_->send(slot * row_bytes_, rows * row_bytes_, after.values);
    if (labels_) labels_->send(slot * size_of(DType::i32), rows * size_of(DType::i32), after.labels);
    begin += rows;
  }
  sending_ = true;
}

void SampleStream::receive() {
  values_->receive();
  if (labels_) labels_->receive();
  received_ = sent_;
}

void SampleStream::wait_sent() {
  if (!std::exchange(sending_, false)) return;
  values_->wait_sent();
  if (labels_) labels_->wait_sent();
}

/// Lets the reader write over what has been used: where the staging memory is not the device's, once it was copied.
void SampleStream::give_back() {
  wait_sent();
  reader_->release(used_);
}

std::int64_t SampleStream::seek(std::int64_t epoch, std::int64_t position, bool once) {
  const bool next = epoch_ == epoch && position_ == position && !once;
  if (!next) {
    wait_sent();
    reader_->start(epoch, position, once);
    used_ = sent_ = received_ = 0;
    marks_.clear();
    mark(0);
    epoch_ = epoch;
    position_ = position;
  }
  return used_ % ring_rows_;
}

std::int64_t SampleStream::ready(std::int64_t least, std::int64_t most) {
  if (used_ + least > sent_) give_back();  // the reader may be waiting for room
  const std::int64_t read = reader_->wait(used_ + least);
  if (read > sent_) {
    send(sent_, read);
    sent_ = read;
  }
  // Not before they are needed: steps on rows that are there would wait for the copy too.
  if (used_ + least > received_) receive();
  return std::min(most, received_ - used_);
}

void SampleStream::used(std::int64_t samples) {
  used_ += samples;
  position_ += samples;
  if (position_ == data_rows_) {
    position_ = 0;
    ++epoch_;
    used_ = (used_ + batch_ - 1) / batch_ * batch_;
  }
  mark(used_);
  // Nor does the host wait for a copy whose rows are not needed yet.
  if (shared_ || received_ == sent_) give_back();
}

}  // namespace lacuna
