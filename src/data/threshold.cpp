#include "data/threshold.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <new>

#include "lacuna/error.h"

namespace lacuna::data {
namespace {

template <class Value, class Function>
Dataset mapped(const Dataset& data, Function function) {
  const std::int64_t count = data.rows() * data.features();
  std::shared_ptr<Value[]> values;
  try {
    values.reset(new Value[static_cast<std::size_t>(count)]);
  } catch (const std::bad_alloc&) {
    throw InputError(
        fmt::format("{}: no memory for a copy of {} MiB with thresholded values; --limit takes the first samples only",
                    data.name(), data.bytes() >> 20));
  }
  const auto* from = static_cast<const Value*>(data.values());
  std::transform(from, from + count, values.get(), function);
  const auto labels = data.labels();
  return Dataset(data.name(), data.rows(), data.sample_shape(), data.dtype(), values.get(), values,
                 {labels.begin(), labels.end()})
      .with_notes(data.notes());
}

}  // namespace

Dataset threshold(const Dataset& data) {
  if (data.dtype() == DType::u8)
    return mapped<std::uint8_t>(data, [](std::uint8_t v) { return static_cast<std::uint8_t>(v >= 128 ? 255 : 0); });
  return mapped<float>(data, [](float v) { return std::isnan(v) ? v : v >= 0.5f ? 1.0f : 0.0f; });
}

}  // namespace lacuna::data
