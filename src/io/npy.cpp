#include "lacuna/npy.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "io/atomic_file.h"
#include "io/file.h"
#include "io/npy_header.h"
#include "lacuna/error.h"

namespace lacuna {
namespace {

/// Bytes of the values. Zero extents count as one in the check, so that strides cannot overflow either.
std::int64_t checked_bytes(const io::NpyHeader& header, const std::string& name) {
  std::int64_t bound = size_of(header.dtype);
  for (std::int64_t extent : header.shape)
    if (__builtin_mul_overflow(bound, std::max<std::int64_t>(extent, 1), &bound))
      throw InputError(fmt::format("{}: shape {} is too large to be indexed", name, to_string(header.shape)));
  return header.shape.elements() * size_of(header.dtype);
}

void check_size(const io::NpyHeader& header, std::size_t size, const std::string& name) {
  const auto needed = static_cast<std::size_t>(checked_bytes(header, name));
  const std::size_t present = size - header.data_offset;
  if (present == needed) return;
  throw InputError(fmt::format("{}: {}: {} of shape {} takes {} bytes from offset {}, the file has {}", name,
                               present < needed ? "truncated or its shape is wrong" : "bytes follow the array",
                               to_string(header.dtype), to_string(header.shape), needed, header.data_offset, present));
}

/// One plane of the conversion: the first axis is contiguous in Fortran order, the last one in C order. In tiles, so
/// that each side's cache lines are used whole.
template <class Bits>
void transpose_plane(const unsigned char* from, std::int64_t from_stride, Bits* to, std::int64_t to_stride,
                     std::int64_t first, std::int64_t last) {
  constexpr std::int64_t kTile = 32;
  for (std::int64_t row = 0; row < first; row += kTile) {
    for (std::int64_t column = 0; column < last; column += kTile) {
      for (std::int64_t i = row; i < std::min(row + kTile, first); ++i)
        for (std::int64_t j = column; j < std::min(column + kTile, last); ++j)
          std::memcpy(to + i * to_stride + j, from + (i + j * from_stride) * std::int64_t{sizeof(Bits)}, sizeof(Bits));
    }
  }
}

/// Fortran order to C order, any rank from 2 up, no extent zero: a plane for each index of the middle axes.
template <class Bits>
void to_c_order(const unsigned char* from, const Shape& shape, Bits* to) {
  const int last_axis = shape.rank() - 1;
  const std::int64_t first = shape[0], last = shape[last_axis];
  const std::int64_t plane_stride = shape.elements() / first;  // of the first axis, in C order
  const std::int64_t column_stride = shape.elements() / last;  // of the last axis, in Fortran order
  std::array<std::int64_t, Shape::kMaxRank> index{};
  std::int64_t from_offset = 0, to_offset = 0;
  for (;;) {
    transpose_plane(from + from_offset * std::int64_t{sizeof(Bits)}, column_stride, to + to_offset, plane_stride, first,
                    last);
    int axis = 1;
    while (axis < last_axis && ++index[static_cast<std::size_t>(axis)] == shape[axis])
      index[static_cast<std::size_t>(axis++)] = 0;
    if (axis >= last_axis) return;
    from_offset = to_offset = 0;
    for (std::int64_t k = 1, stride = first; k < last_axis; stride *= shape[static_cast<int>(k++)])
      from_offset += index[static_cast<std::size_t>(k)] * stride;
    for (std::int64_t k = last_axis - 1, stride = last; k > 0; stride *= shape[static_cast<int>(k--)])
      to_offset += index[static_cast<std::size_t>(k)] * stride;
  }
}

template <class Bits>
std::shared_ptr<const void> reordered(const unsigned char* from, const Shape& shape) {
  std::shared_ptr<Bits[]> to(new Bits[static_cast<std::size_t>(shape.elements())]);
  to_c_order(from, shape, to.get());
  return to;
}

NpyArray parse_owned(const unsigned char* bytes, std::size_t size, const std::string& name,
                     std::shared_ptr<const void> owner) {
  const io::NpyHeader header = io::parse_npy_header(bytes, size, name);
  check_size(header, size, name);
  const unsigned char* values = bytes + header.data_offset;
  const std::int64_t element = size_of(header.dtype);

  const bool reorder = header.fortran_order && header.shape.rank() > 1 && header.shape.elements() > 0;
  if (reorder) {
    owner = element == 1   ? reordered<std::uint8_t>(values, header.shape)
            : element == 2 ? reordered<std::uint16_t>(values, header.shape)
            : element == 4 ? reordered<std::uint32_t>(values, header.shape)
                           : reordered<std::uint64_t>(values, header.shape);
    values = static_cast<const unsigned char*>(owner.get());
  } else if (reinterpret_cast<std::uintptr_t>(values) % static_cast<std::uintptr_t>(element) != 0) {
    const std::size_t count = size - header.data_offset;
    std::shared_ptr<unsigned char[]> copy(new unsigned char[std::max<std::size_t>(count, 1)]);
    if (count > 0) std::memcpy(copy.get(), values, count);
    values = copy.get();
    owner = std::move(copy);
  }
  return {ConstTensorView(values, header.dtype, header.shape), std::move(owner)};
}

}  // namespace

io::NpyHeader io::read_npy_header(const std::string& path) {
  const FileBytes bytes = map_file(path);
  const NpyHeader header = parse_npy_header(bytes.data, bytes.size, path);
  check_size(header, bytes.size, path);
  return header;
}

NpyArray read_npy(const std::string& path) {
  const io::FileBytes bytes = io::map_file(path);
  return parse_owned(bytes.data, bytes.size, path, bytes.owner);
}

NpyArray parse_npy(const void* bytes, std::size_t size, const std::string& name) {
  return parse_owned(static_cast<const unsigned char*>(bytes), size, name, nullptr);
}

void write_npy(const std::string& path, const ConstTensorView& array) {
  LACUNA_EXPECTS(array.strides == ConstTensorView(array.data, array.dtype, array.shape).strides,
                 "an array to be written must be contiguous");
  io::AtomicFile file(path);
  file.write(io::make_npy_header(array.dtype, array.shape));
  file.write(array.data, static_cast<std::size_t>(array.bytes()));
  file.commit();
}

struct NpyWriter::Impl {
  io::AtomicFile file;
  std::int64_t rows, columns;
  std::int64_t written = 0;
};

NpyWriter::NpyWriter(const std::string& path, std::int64_t rows, std::int64_t columns)
    : impl_(new Impl{io::AtomicFile(path), rows, columns}) {
  impl_->file.write(io::make_npy_header(DType::f32, Shape{rows, columns}));
}

NpyWriter::~NpyWriter() = default;

void NpyWriter::append(const float* values, std::int64_t rows) {
  LACUNA_EXPECTS(rows >= 0 && rows <= impl_->rows - impl_->written, "more rows than the file was made for");
  impl_->file.write(values, static_cast<std::size_t>(rows * impl_->columns) * sizeof(float));
  impl_->written += rows;
}

void NpyWriter::finish() {
  LACUNA_EXPECTS(impl_->written == impl_->rows, fmt::format("{} of {} rows were written", impl_->written, impl_->rows));
  impl_->file.commit();
}

}  // namespace lacuna
