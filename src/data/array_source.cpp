#include "data/array_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <new>

#include "data/stored_type.h"
#include "lacuna/error.h"

namespace lacuna::data {
namespace {

/// float32 values, from elements that need not be aligned.
std::shared_ptr<float[]> to_floats(const std::string& name, StoredType type, const void* values, std::int64_t count) {
  std::shared_ptr<float[]> floats;
  try {
    floats = std::shared_ptr<float[]>(new float[static_cast<std::size_t>(count)]);
  } catch (const std::bad_alloc&) {
    throw InputError(
        fmt::format("{}: {} float32 values do not fit into memory; --limit takes the first samples only", name, count));
  }
  convert(type, false, static_cast<const std::byte*>(values), count, floats.get());
  return floats;
}

bool aligned(const void* values) {
  return reinterpret_cast<std::uintptr_t>(values) % alignof(float) == 0;
}

}  // namespace

Dataset dataset_from_array(const std::string& name, const ConstTensorView& array, std::shared_ptr<const void> owner,
                           std::int64_t limit) {
  const auto type = stored_type(array.dtype);
  if (!type)
    throw InputError(
        fmt::format("{}: {} values are not supported; store the samples as uint8, float16, bfloat16, float32 or "
                    "float64",
                    name, to_string(array.dtype)));
  if (array.shape.rank() == 0)
    throw InputError(fmt::format("{}: a single value is no data set; an array [N, ...] is needed", name));
  const std::int64_t rows = limit > 0 ? std::min(limit, array.shape[0]) : array.shape[0];
  Shape sample;
  for (int axis = 1; axis < array.shape.rank(); ++axis) sample.push_back(array.shape[axis]);
  if (sample.rank() == 0) sample.push_back(1);

  const bool shared = array.dtype == DType::u8 || (array.dtype == DType::f32 && aligned(array.data));
  if (shared || rows == 0 || sample.elements() == 0)  // without values the constructor says what is wrong
    return Dataset(name, rows, sample, dtype_of_samples(*type), array.data, std::move(owner));
  const auto floats = to_floats(name, *type, array.data, rows * sample.elements());
  return Dataset(name, rows, sample, DType::f32, floats.get(), floats).with_notes({.stored = array.dtype});
}

}  // namespace lacuna::data
