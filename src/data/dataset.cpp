#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "data/histogram.h"
#include "data/sample_file.h"
#include "lacuna/data.h"
#include "lacuna/error.h"

namespace lacuna {
namespace {

/// What was found in some values; minimum and maximum are over the finite ones.
struct Block {
  float minimum = std::numeric_limits<float>::infinity();
  float maximum = -std::numeric_limits<float>::infinity();
  double sum = 0;
  bool all_finite = true;
};

constexpr std::int64_t kBlock = 4096;

bool finite(float value) {
  return (std::bit_cast<std::uint32_t>(value) & 0x7f800000u) != 0x7f800000u;
}

/// Assumes that the values are finite, and says whether that was so. Sixteen scans side by side, which is what a
/// compiler can make vector code of: it may not reorder one.
Block scan_fast(const float* values, std::int64_t count) {
  constexpr std::int64_t kLanes = 16;
  std::array<float, kLanes> minimum, maximum;
  std::array<double, kLanes> sum{};
  std::array<std::uint32_t, kLanes> nonfinite{};
  minimum.fill(std::numeric_limits<float>::infinity());
  maximum.fill(-std::numeric_limits<float>::infinity());
  const auto take = [&](const float* from, std::int64_t lanes) {
    for (std::size_t lane = 0; lane < static_cast<std::size_t>(lanes); ++lane) {
      const float value = from[lane];
      minimum[lane] = value < minimum[lane] ? value : minimum[lane];
      maximum[lane] = value > maximum[lane] ? value : maximum[lane];
      sum[lane] += static_cast<double>(value);
      nonfinite[lane] |= finite(value) ? 0u : 1u;
    }
  };
  std::int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) take(values + i, kLanes);
  take(values + i, count - i);

  Block block;
  for (std::size_t lane = 0; lane < kLanes; ++lane) {
    block.minimum = std::min(block.minimum, minimum[lane]);
    block.maximum = std::max(block.maximum, maximum[lane]);
    block.sum += sum[lane];
    block.all_finite = block.all_finite && nonfinite[lane] == 0;
  }
  return block;
}

Block scan_finite(const float* values, std::int64_t count, std::int64_t& finite_count) {
  Block block;
  block.all_finite = false;
  for (std::int64_t i = 0; i < count; ++i) {
    if (!finite(values[i])) continue;
    ++finite_count;
    block.minimum = std::min(block.minimum, values[i]);
    block.maximum = std::max(block.maximum, values[i]);
    block.sum += static_cast<double>(values[i]);
  }
  return block;
}

ValueSummary summarize_floats(const float* values, std::int64_t count) {
  ValueSummary summary;
  Block total;
  std::int64_t finite_count = 0;
  const auto first = [values](std::int64_t begin, std::int64_t size, auto wanted) {
    return begin + (std::find_if(values + begin, values + begin + size, wanted) - (values + begin));
  };
  for (std::int64_t begin = 0; begin < count; begin += kBlock) {
    const std::int64_t size = std::min(kBlock, count - begin);
    Block block = scan_fast(values + begin, size);
    if (block.all_finite)
      finite_count += size;
    else
      block = scan_finite(values + begin, size, finite_count);
    if (!block.all_finite && summary.first_nonfinite < 0)
      summary.first_nonfinite = first(begin, size, [](float v) { return !finite(v); });
    if ((!block.all_finite || block.minimum < 0 || block.maximum > 1) && summary.first_outside_unit < 0)
      summary.first_outside_unit = first(begin, size, [](float v) { return !(v >= 0 && v <= 1); });
    total.minimum = std::min(total.minimum, block.minimum);
    total.maximum = std::max(total.maximum, block.maximum);
    total.sum += block.sum;
  }
  const double nothing = std::numeric_limits<double>::quiet_NaN();
  summary.minimum = finite_count > 0 ? static_cast<double>(total.minimum) : nothing;
  summary.maximum = finite_count > 0 ? static_cast<double>(total.maximum) : nothing;
  summary.mean = finite_count > 0 ? total.sum / static_cast<double>(finite_count) : nothing;
  return summary;
}

ValueSummary summarize_bytes(const std::uint8_t* values, std::int64_t count) {
  const data::ByteHistogram histogram = data::byte_histogram(values, count);
  std::int64_t sum = 0;
  int lowest = 255, highest = 0;
  for (int value = 0; value < 256; ++value) {
    const std::int64_t times = histogram[static_cast<std::size_t>(value)];
    if (times == 0) continue;
    lowest = std::min(lowest, value);
    highest = value;
    sum += times * value;
  }
  ValueSummary summary;
  summary.minimum = lowest / 255.0;
  summary.maximum = highest / 255.0;
  summary.mean = static_cast<double>(sum) / static_cast<double>(count) / 255.0;
  return summary;
}

}  // namespace

Dataset::Dataset(std::string name, std::int64_t rows, const Shape& sample_shape, DType dtype, const void* values,
                 std::shared_ptr<const void> owner, std::vector<std::int32_t> labels)
    : name_(std::move(name)),
      rows_(rows),
      features_(sample_shape.elements()),
      sample_shape_(sample_shape),
      dtype_(dtype),
      values_(values),
      owner_(std::move(owner)) {
  check();
  LACUNA_EXPECTS(values_ != nullptr, "a data set needs values");
  take_labels(std::move(labels));
}

Dataset Dataset::streaming(std::string name, const Shape& sample_shape, std::shared_ptr<const data::SampleFile> file,
                           std::int64_t window, std::vector<std::int32_t> labels) {
  LACUNA_EXPECTS(window >= 1 && file->features() == sample_shape.elements(), "samples of the file, in windows");
  Dataset streamed;
  streamed.name_ = std::move(name);
  streamed.rows_ = file->rows();
  streamed.features_ = file->features();
  streamed.sample_shape_ = sample_shape;
  streamed.dtype_ = file->dtype();
  streamed.window_ = window;
  streamed.file_ = std::move(file);
  streamed.check();
  streamed.take_labels(std::move(labels));
  return streamed;
}

void Dataset::check() const {
  LACUNA_EXPECTS(dtype_ == DType::u8 || dtype_ == DType::f32, "a data set holds uint8 or float32 values");
  if (rows_ < 1) throw InputError(fmt::format("{}: there are no samples", name_));
  if (features_ < 1)
    throw InputError(fmt::format("{}: the samples are empty (shape {})", name_, to_string(sample_shape_)));
  std::int64_t total = 0;
  if (__builtin_mul_overflow(rows_, features_, &total) || __builtin_mul_overflow(total, size_of(dtype_), &total))
    throw InputError(
        fmt::format("{}: {} samples of shape {} are too large to be indexed", name_, rows_, to_string(sample_shape_)));
}

void Dataset::take_labels(std::vector<std::int32_t> labels) {
  if (labels.empty()) return;
  if (static_cast<std::int64_t>(labels.size()) != rows_)
    throw InputError(fmt::format("{}: {} samples but {} labels", name_, rows_, labels.size()));
  if (*std::min_element(labels.begin(), labels.end()) < 0)
    throw InputError(fmt::format("{}: a label is negative; classes count from 0", name_));
  const auto kept = std::make_shared<const std::vector<std::int32_t>>(std::move(labels));
  labels_ = std::shared_ptr<const std::int32_t[]>(kept, kept->data());
}

const void* Dataset::values() const {
  LACUNA_EXPECTS(!streamed(), fmt::format("{} is streamed: its values are not in memory", name_));
  return values_;
}

std::int64_t Dataset::memory_bytes() const {
  if (!streamed()) return bytes();
  return 2 * std::min(window_, rows_) * features_ * size_of(dtype_);
}

const DatasetNotes& Dataset::notes() const {
  static const DatasetNotes none;
  return notes_ ? *notes_ : none;
}

Dataset Dataset::with_notes(DatasetNotes notes) const {
  const auto all = labels();
  const auto names = static_cast<std::int64_t>(notes.class_names.size());
  if (names > 0 && !all.empty() && *std::max_element(all.begin(), all.end()) >= names)
    throw InputError(fmt::format("{}: {} names of classes, but a label is {}", name_, names,
                                 *std::max_element(all.begin(), all.end())));
  Dataset named = *this;
  named.notes_ = std::make_shared<const DatasetNotes>(std::move(notes));
  return named;
}

void Dataset::copy_row(std::int64_t index, float* out) const {
  LACUNA_EXPECTS(index >= 0 && index < rows_, fmt::format("{}: row {} of {}", name_, index, rows_));
  std::vector<std::byte> read;
  if (streamed()) {
    data::SampleFile::Scratch scratch;
    read.resize(static_cast<std::size_t>(features_ * size_of(dtype_)));
    file_->read_values(file_row_ + index, 1, scratch, read.data());
  }
  const void* values =
      streamed() ? read.data() : static_cast<const std::byte*>(values_) + index * features_ * size_of(dtype_);
  if (dtype_ == DType::f32) {
    std::memcpy(out, values, static_cast<std::size_t>(features_) * sizeof(float));
    return;
  }
  const auto* row = static_cast<const std::uint8_t*>(values);
  for (std::int64_t column = 0; column < features_; ++column) out[column] = static_cast<float>(row[column]) / 255.0f;
}

Dataset Dataset::first(std::int64_t rows) const {
  if (rows < 1) throw InputError(fmt::format("{}: cannot take the first {} samples", name_, rows));
  Dataset part = *this;
  part.rows_ = std::min(rows, rows_);
  return part;
}

Dataset Dataset::last(std::int64_t rows) const {
  LACUNA_EXPECTS(rows >= 1 && rows <= rows_, fmt::format("{}: the last {} of {} samples", name_, rows, rows_));
  const std::int64_t skipped = rows_ - rows;
  Dataset part = *this;
  part.rows_ = rows;
  if (streamed())
    part.file_row_ += skipped;
  else
    part.values_ = static_cast<const std::byte*>(values_) + skipped * features_ * size_of(dtype_);
  if (labels_) part.labels_ = std::shared_ptr<const std::int32_t[]>(labels_, labels_.get() + skipped);
  return part;
}

ValueSummary summarize(const Dataset& data) {
  LACUNA_EXPECTS(data.rows() > 0, "an empty data set has no summary");
  const std::int64_t count = data.rows() * data.features();
  if (data.dtype() == DType::f32) return summarize_floats(static_cast<const float*>(data.values()), count);
  return summarize_bytes(static_cast<const std::uint8_t*>(data.values()), count);
}

void require_trainable(const Dataset& data, bool unit_interval) {
  if (data.dtype() == DType::u8 || data.streamed()) return;
  const ValueSummary summary = summarize(data);
  const float* values = static_cast<const float*>(data.values());
  const auto where = [&](std::int64_t index) {
    return fmt::format("{}: row {}, column {} is {}", data.name(), index / data.features(), index % data.features(),
                       values[index]);
  };
  if (summary.first_nonfinite >= 0)
    throw InputError(where(summary.first_nonfinite) + ": values must be finite; clean the data");
  if (unit_interval && summary.first_outside_unit >= 0)
    throw InputError(where(summary.first_outside_unit) +
                     ": the loss \"bce\" needs values in [0, 1]; rescale the data or use --loss half-squared");
}

void require_labels(const Dataset& data, std::int64_t classes) {
  if (data.labels().empty())
    throw InputError(fmt::format("{} has no labels, which a classifier learns from and is tested on", data.name()));
  for (std::int64_t i = 0; i < data.rows(); ++i) {
    const std::int32_t label = data.labels()[static_cast<std::size_t>(i)];
    if (label < 0 || label >= classes)
      throw InputError(fmt::format("{}: sample {} has label {}, but there are {} classes, from 0 on", data.name(), i,
                                   label, classes));
  }
}

}  // namespace lacuna
