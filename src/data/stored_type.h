#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "lacuna/tensor.h"

namespace lacuna::data {

/// How one value lies in a file.
enum class StoredType : std::uint8_t { u8, f16, bf16, f32, f32_big_endian, f64 };

std::int64_t size_of(StoredType type);
/// Its name, whatever the order of its bytes.
DType dtype_in_file(StoredType type);
/// What values become: uint8 or float32.
DType dtype_of_samples(StoredType type);
/// Of little-endian values. Nothing for elements that cannot be samples.
std::optional<StoredType> stored_type(DType dtype);

/// Values as they are stored, which need not be aligned, to uint8 or float32 ones. float64 is rounded (values beyond
/// float32's range become infinite), all others stay what they are. threshold: values of at least 1/2 (bytes from 128
/// on) become 1, all others 0, but NaN stays.
void convert(StoredType type, bool threshold, const std::byte* from, std::int64_t values, void* to);

}  // namespace lacuna::data
