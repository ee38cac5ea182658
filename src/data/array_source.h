#pragma once

#include <memory>
#include <string>

#include "lacuna/data.h"

namespace lacuna::data {

/// An array [N, ...] as samples: uint8 and float32 share the array's memory, other floats become float32 as convert()
/// makes them, in memory of their own. Rank 1 means one feature. limit: the first rows only (0: all).
/// Throws InputError for rank 0, no rows, or integers other than uint8.
Dataset dataset_from_array(const std::string& name, const ConstTensorView& array, std::shared_ptr<const void> owner,
                           std::int64_t limit);

}  // namespace lacuna::data
