#include "data/stream_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "lacuna/error.h"

namespace lacuna::data {
namespace {

/// Whether the samples, as they would be in memory, are to stay in their file.
bool wanted(const DataOptions& options, std::int64_t rows, std::int64_t features, StoredType type) {
  if (options.stream != Streaming::automatic) return options.stream == Streaming::on;
  const double bytes = static_cast<double>(rows) * static_cast<double>(features) *
                       static_cast<double>(lacuna::size_of(dtype_of_samples(type)));
  return bytes > static_cast<double>(options.stream_above);
}

std::int64_t window_rows(const WindowSize& window, std::int64_t row_bytes) {
  return window.samples > 0 ? window.samples : std::max<std::int64_t>(1, window.bytes / row_bytes);
}

}  // namespace

std::optional<Dataset> stream_array(const StoredArray& array, const DataOptions& options,
                                    const std::function<std::vector<std::int32_t>()>& labels) {
  if (array.shape.rank() == 0 || array.shape.elements() == 0) return std::nullopt;  // opening it says what is wrong
  const std::int64_t rows = options.limit > 0 ? std::min(options.limit, array.shape[0]) : array.shape[0];
  Shape sample;
  for (int axis = 1; axis < array.shape.rank(); ++axis) sample.push_back(array.shape[axis]);
  if (sample.rank() == 0) sample.push_back(1);
  if (!wanted(options, rows, sample.elements(), array.type)) return std::nullopt;
  const auto file = std::make_shared<const SampleFile>(
      StoredRows{array.path, array.offset, rows, sample.elements(), array.type, options.threshold});
  const std::int64_t row_bytes = sample.elements() * lacuna::size_of(file->dtype());
  return Dataset::streaming(array.name, sample, file, window_rows(options.window, row_bytes),
                            labels ? labels() : std::vector<std::int32_t>{})
      .with_notes({.stored = dtype_in_file(array.type)});
}

void refuse_streaming(const DataOptions& options, const std::string& name, const std::string& why) {
  if (options.stream == Streaming::on)
    throw InputError(
        fmt::format("{} cannot be streamed: {}; leave --stream on out, or give an uncompressed NPY, "
                    "safetensors or IDX file",
                    name, why));
}

}  // namespace lacuna::data
