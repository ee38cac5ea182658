#include "data/info.h"

#include <fmt/format.h>

#include <algorithm>

#include "data/histogram.h"

namespace lacuna::data {
namespace {

std::int64_t count_zeros(const Dataset& data) {
  const std::int64_t count = data.rows() * data.features();
  if (data.dtype() == DType::u8) return byte_histogram(static_cast<const std::uint8_t*>(data.values()), count)[0];
  const float* values = static_cast<const float*>(data.values());
  return std::count(values, values + count, 0.0f);
}

std::map<std::int32_t, std::int64_t> count_labels(const Dataset& data) {
  std::map<std::int32_t, std::int64_t> counts;
  for (const std::int32_t label : data.labels()) ++counts[label];
  return counts;
}

}  // namespace

DataInfo describe(const Dataset& data) {
  DataInfo info;
  info.name = data.name();
  info.rows = data.rows();
  info.features = data.features();
  info.sample_shape = data.sample_shape();
  info.dtype = data.dtype();
  info.stored_dtype = data.stored_dtype();
  info.bytes = data.bytes();
  info.values = summarize(data);
  info.zero_fraction = static_cast<double>(count_zeros(data)) /
                       (static_cast<double>(data.rows()) * static_cast<double>(data.features()));
  info.label_counts = count_labels(data);
  info.class_names = data.class_names();
  return info;
}

std::string type_text(DType dtype, DType stored_dtype) {
  if (stored_dtype == dtype) return to_string(dtype);
  return fmt::format("{} read as {}", to_string(stored_dtype), to_string(dtype));
}

}  // namespace lacuna::data
