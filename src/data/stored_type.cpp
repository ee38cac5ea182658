#include "data/stored_type.h"

#include <bit>
#include <cmath>
#include <cstring>

#include "lacuna/math/bf16.h"
#include "lacuna/math/f16.h"

namespace lacuna::data {
namespace {

template <class Stored, class Value, class F>
void convert_each(const std::byte* from, std::int64_t values, void* to, const F& f) {
  auto* out = static_cast<Value*>(to);
  for (std::int64_t i = 0; i < values; ++i) {
    Stored stored;
    std::memcpy(&stored, from + i * static_cast<std::int64_t>(sizeof stored), sizeof stored);
    out[i] = f(stored);
  }
}

float from_big_endian(std::uint32_t word) {
  if constexpr (std::endian::native == std::endian::little) word = __builtin_bswap32(word);
  return std::bit_cast<float>(word);
}

float thresholded(float value) {
  return std::isnan(value) ? value : value >= 0.5f ? 1.0f : 0.0f;
}

void to_bytes(bool threshold, const std::byte* from, std::int64_t values, void* to) {
  if (threshold)
    convert_each<std::uint8_t, std::uint8_t>(
        from, values, to, [](std::uint8_t v) { return static_cast<std::uint8_t>(v >= 128 ? 255 : 0); });
  else
    std::memcpy(to, from, static_cast<std::size_t>(values));
}

template <class Stored, class F>
void to_floats(bool threshold, const std::byte* from, std::int64_t values, void* to, const F& f) {
  if (threshold)
    convert_each<Stored, float>(from, values, to, [&](Stored stored) { return thresholded(f(stored)); });
  else
    convert_each<Stored, float>(from, values, to, f);
}

}  // namespace

std::int64_t size_of(StoredType type) {
  return lacuna::size_of(dtype_in_file(type));
}

DType dtype_in_file(StoredType type) {
  switch (type) {
    case StoredType::u8:
      return DType::u8;
    case StoredType::f16:
      return DType::f16;
    case StoredType::bf16:
      return DType::bf16;
    case StoredType::f32:
    case StoredType::f32_big_endian:
      return DType::f32;
    case StoredType::f64:
      return DType::f64;
  }
  return DType::u8;
}

DType dtype_of_samples(StoredType type) {
  return type == StoredType::u8 ? DType::u8 : DType::f32;
}

std::optional<StoredType> stored_type(DType dtype) {
  for (const StoredType type : {StoredType::u8, StoredType::f16, StoredType::bf16, StoredType::f32, StoredType::f64})
    if (dtype_in_file(type) == dtype) return type;
  return std::nullopt;
}

void convert(StoredType type, bool threshold, const std::byte* from, std::int64_t values, void* to) {
  switch (type) {
    case StoredType::u8:
      return to_bytes(threshold, from, values, to);
    case StoredType::f16:
      return to_floats<std::uint16_t>(threshold, from, values, to, [](std::uint16_t v) { return math::from_f16(v); });
    case StoredType::bf16:
      return to_floats<std::uint16_t>(threshold, from, values, to, [](std::uint16_t v) { return math::from_bf16(v); });
    case StoredType::f32:
      if (threshold) return convert_each<float, float>(from, values, to, thresholded);
      std::memcpy(to, from, static_cast<std::size_t>(values) * sizeof(float));
      return;
    case StoredType::f32_big_endian:
      return to_floats<std::uint32_t>(threshold, from, values, to, from_big_endian);
    case StoredType::f64:
      return to_floats<double>(threshold, from, values, to, [](double v) { return static_cast<float>(v); });
  }
}

}  // namespace lacuna::data
