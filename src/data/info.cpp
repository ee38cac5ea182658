#include "data/info.h"

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
  info.bytes = data.bytes();
  info.values = summarize(data);
  info.zero_fraction = static_cast<double>(count_zeros(data)) /
                       (static_cast<double>(data.rows()) * static_cast<double>(data.features()));
  info.label_counts = count_labels(data);
  info.class_names = data.class_names();
  return info;
}

}  // namespace lacuna::data
