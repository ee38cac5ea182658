#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <map>

#include "core/memory.h"
#include "data/sample_file.h"
#include "lacuna/data.h"
#include "lacuna/error.h"
#include "lacuna/math/feistel.h"

namespace lacuna {

namespace {

void require_any_labels(const Dataset& data) {
  if (data.labels().empty()) throw InputError(fmt::format("{} has no labels to choose samples by", data.name()));
}

std::shared_ptr<std::vector<std::byte>> room_for(const Dataset& data, std::size_t rows, std::size_t row_bytes) {
  const double needed = static_cast<double>(rows) * static_cast<double>(row_bytes),
               there = core::physical_memory_bytes();
  if (data.streamed() && needed > there / 2)
    throw InputError(
        fmt::format("{}: the {} samples chosen take {:.1f} GiB, too much for the {:.1f} GiB of this machine: a choice "
                    "of samples is "
                    "copied into memory even where the data are streamed; choose fewer",
                    data.name(), rows, needed / 0x1p30, there / 0x1p30));
  return std::make_shared<std::vector<std::byte>>(rows * row_bytes);
}

}  // namespace

Dataset Dataset::select(std::span<const std::int64_t> rows) const {
  if (rows.empty()) throw InputError(fmt::format("no sample of {} is left", name_));
  const auto row_bytes = static_cast<std::size_t>(features_ * size_of(dtype_));
  const auto copy = room_for(*this, rows.size(), row_bytes);
  std::vector<std::int32_t> chosen;
  data::SampleFile::Scratch scratch;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    LACUNA_EXPECTS(rows[i] >= 0 && rows[i] < rows_, "a row outside the data set");
    std::byte* to = copy->data() + i * row_bytes;
    if (streamed())
      file_->read_values(file_row_ + rows[i], 1, scratch, to);
    else
      std::memcpy(to, static_cast<const std::byte*>(values_) + static_cast<std::size_t>(rows[i]) * row_bytes,
                  row_bytes);
    if (labels_) chosen.push_back(labels_[rows[i]]);
  }
  const Dataset selected(name_, static_cast<std::int64_t>(rows.size()), sample_shape_, dtype_, copy->data(), copy,
                         std::move(chosen));
  if (streamed()) require_trainable(selected, false);  // what is streamed was not looked at when it was opened
  return selected.with_notes(notes());
}

Dataset Dataset::with_labels(std::vector<std::int32_t> labels) const {
  Dataset changed = *this;
  changed.labels_ = nullptr;
  changed.take_labels(std::move(labels));
  return changed.with_notes(notes());
}

Dataset joined(std::span<const Dataset> parts) {
  LACUNA_EXPECTS(!parts.empty(), "there is something to join");
  const Dataset& first = parts.front();
  std::int64_t rows = 0;
  std::vector<std::int32_t> labels;
  const auto copy = std::make_shared<std::vector<std::byte>>();
  for (const Dataset& part : parts) {
    LACUNA_EXPECTS(
        part.dtype() == first.dtype() && part.sample_shape() == first.sample_shape() && !part.labels().empty(),
        "the parts have labels and samples of one kind");
    const auto* bytes = static_cast<const std::byte*>(part.values());
    copy->insert(copy->end(), bytes, bytes + part.bytes());
    labels.insert(labels.end(), part.labels().begin(), part.labels().end());
    rows += part.rows();
  }
  const Dataset all(first.name(), rows, first.sample_shape(), first.dtype(), copy->data(), copy, std::move(labels));
  return all.with_notes(first.notes());
}

std::vector<std::int64_t> rows_of_classes(const Dataset& data, std::span<const std::int32_t> classes) {
  require_any_labels(data);
  std::vector<std::int64_t> rows;
  for (std::int64_t i = 0; i < data.rows(); ++i)
    if (std::ranges::find(classes, data.labels()[static_cast<std::size_t>(i)]) != classes.end()) rows.push_back(i);
  return rows;
}

std::vector<std::int64_t> balanced_rows(const Dataset& data, std::int64_t count, std::optional<std::uint64_t> seed) {
  require_any_labels(data);
  std::map<std::int32_t, std::vector<std::int64_t>> by_class;
  for (std::int64_t i = 0; i < data.rows(); ++i) by_class[data.labels()[static_cast<std::size_t>(i)]].push_back(i);
  const auto classes = static_cast<std::int64_t>(by_class.size());
  if (count < classes || count % classes != 0)
    throw InputError(fmt::format("{} labels cannot be balanced over the {} classes of {}: give a multiple of {}", count,
                                 classes, data.name(), classes));
  const std::int64_t each = count / classes;
  std::vector<std::int64_t> rows;
  for (const auto& [label, members] : by_class) {
    const auto available = static_cast<std::int64_t>(members.size());
    if (available < each)
      throw InputError(fmt::format("class {} of {} has {} samples, but {} labels need {} of each class", label,
                                   data.name(), available, count, each));
    // One order for each class: the label takes the place of the epoch.
    const math::FeistelOrder order(seed.value_or(0), static_cast<std::uint64_t>(label),
                                   static_cast<std::uint64_t>(available));
    for (std::int64_t i = 0; i < each; ++i)
      rows.push_back(
          members[seed ? static_cast<std::size_t>(order(static_cast<std::uint64_t>(i))) : static_cast<std::size_t>(i)]);
  }
  std::ranges::sort(rows);
  return rows;
}

std::vector<std::int64_t> other_rows(std::int64_t all, std::span<const std::int64_t> rows) {
  std::vector<std::int64_t> others;
  auto next = rows.begin();
  for (std::int64_t i = 0; i < all; ++i) {
    if (next != rows.end() && *next == i)
      ++next;
    else
      others.push_back(i);
  }
  return others;
}

}  // namespace lacuna
