#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>

namespace lacuna {

/// f16: IEEE half precision; bf16: the upper half of a float32.
enum class DType : std::uint8_t { f32, f64, f16, bf16, u8, i32, i64 };

/// Bytes of one element.
constexpr std::int64_t size_of(DType type) {
  switch (type) {
    case DType::f32:
    case DType::i32:
      return 4;
    case DType::f64:
    case DType::i64:
      return 8;
    case DType::f16:
    case DType::bf16:
      return 2;
    case DType::u8:
      return 1;
  }
  return 0;
}

/// "float32", "uint8", ...: the names NumPy uses, and ml_dtypes ("bfloat16").
const char* to_string(DType type);

/// Extents of a row-major array, outermost first; rank 0 is a scalar. At most kMaxRank dimensions.
class Shape {
 public:
  static constexpr int kMaxRank = 8;

  Shape() = default;
  Shape(std::initializer_list<std::int64_t> extents);

  /// Appends an innermost extent. Throws ContractError beyond kMaxRank or for a negative extent.
  void push_back(std::int64_t extent);

  int rank() const { return rank_; }
  std::int64_t operator[](int axis) const { return extents_[static_cast<std::size_t>(axis)]; }
  const std::int64_t* begin() const { return extents_.data(); }
  const std::int64_t* end() const { return extents_.data() + rank_; }

  /// Product of the extents (1 for a scalar). Throws InputError if it does not fit in 63 bits.
  std::int64_t elements() const;

  bool operator==(const Shape& other) const;

 private:
  std::array<std::int64_t, kMaxRank> extents_{};
  int rank_ = 0;
};

/// "[200, 784]"
std::string to_string(const Shape& shape);

/// A non-owning view of a tensor: pointer, element type, extents, strides in elements. The viewed memory
/// belongs to somebody else and must outlive the view; on a device backend it may be device memory.
template <class Pointer>
struct BasicTensorView {
  Pointer data = nullptr;
  DType dtype = DType::f32;
  Shape shape;
  std::array<std::int64_t, Shape::kMaxRank> strides{};

  BasicTensorView() = default;
  /// Contiguous in C order.
  BasicTensorView(Pointer pointer, DType type, const Shape& extents) : data(pointer), dtype(type), shape(extents) {
    std::int64_t stride = 1;
    for (int axis = shape.rank() - 1; axis >= 0; --axis) {
      strides[static_cast<std::size_t>(axis)] = stride;
      stride *= shape[axis];
    }
  }
  std::int64_t bytes() const { return shape.elements() * size_of(dtype); }
};

using TensorView = BasicTensorView<void*>;
using ConstTensorView = BasicTensorView<const void*>;

}  // namespace lacuna
