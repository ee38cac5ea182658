#pragma once

#include <memory>
#include <string>

#include "lacuna/data.h"

namespace lacuna::data {

/// An array [N, ...] as samples: uint8 and float32 share the array's memory, float64 is rounded to float32 (values
/// beyond its range become infinite). Rank 1 means one feature. limit: the first rows only (0: all).
/// Throws InputError for rank 0, no rows, or integers other than uint8.
Dataset dataset_from_array(const std::string& name, const ConstTensorView& array, std::shared_ptr<const void> owner,
                           std::int64_t limit);

}  // namespace lacuna::data
