#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "lacuna/data.h"

namespace lacuna::data {

/// What `lacuna data info` tells about a source.
struct DataInfo {
  std::string name;
  std::int64_t rows = 0;
  std::int64_t features = 0;
  Shape sample_shape;
  DType dtype = DType::u8, stored_dtype = DType::u8;
  std::int64_t bytes = 0;
  ValueSummary values;
  double zero_fraction = 0;                           ///< of all values
  std::map<std::int32_t, std::int64_t> label_counts;  ///< label -> rows; empty without labels
  std::vector<std::string> class_names;               ///< by label; empty if they have none
};

DataInfo describe(const Dataset& data);

/// The type of the values, and where their file holds them as another, both: "bfloat16 read as float32".
std::string type_text(DType dtype, DType stored_dtype);

}  // namespace lacuna::data
