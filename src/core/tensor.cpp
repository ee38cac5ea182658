#include "lacuna/tensor.h"

#include <fmt/format.h>

#include <algorithm>

#include "lacuna/error.h"

namespace lacuna {

const char* to_string(DType type) {
  switch (type) {
    case DType::f32:
      return "float32";
    case DType::f64:
      return "float64";
    case DType::f16:
      return "float16";
    case DType::bf16:
      return "bfloat16";
    case DType::u8:
      return "uint8";
    case DType::i32:
      return "int32";
    case DType::i64:
      return "int64";
  }
  return "?";
}

Shape::Shape(std::initializer_list<std::int64_t> extents) {
  for (std::int64_t extent : extents) push_back(extent);
}

void Shape::push_back(std::int64_t extent) {
  LACUNA_EXPECTS(rank_ < kMaxRank, "a shape has at most 8 dimensions");
  LACUNA_EXPECTS(extent >= 0, "an extent cannot be negative");
  extents_[static_cast<std::size_t>(rank_++)] = extent;
}

std::int64_t Shape::elements() const {
  std::int64_t product = 1;
  for (std::int64_t extent : *this) {
    if (__builtin_mul_overflow(product, extent, &product))
      throw InputError(fmt::format("an array of shape {} is too large to be indexed", to_string(*this)));
  }
  return product;
}

bool Shape::operator==(const Shape& other) const {
  return rank_ == other.rank_ && std::equal(begin(), end(), other.begin());
}

std::string to_string(const Shape& shape) {
  return fmt::format("[{}]", fmt::join(shape.begin(), shape.end(), ", "));
}

}  // namespace lacuna
