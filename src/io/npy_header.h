#pragma once

#include <cstddef>
#include <string>

#include "lacuna/tensor.h"

namespace lacuna::io {

/// What stands before the values of an NPY file.
struct NpyHeader {
  DType dtype = DType::f32;
  bool fortran_order = false;
  Shape shape;
  std::size_t data_offset = 0;  ///< of the first value
};

/// Reads magic, version and the header dictionary. Throws InputError naming file, field and offset; big-endian and
/// other unsupported element types are named.
NpyHeader parse_npy_header(const unsigned char* bytes, std::size_t size, const std::string& name);

/// The header of a file that is exactly as long as it says. Throws InputError as reading the whole array does.
NpyHeader read_npy_header(const std::string& path);

/// Version 1.0, C order, padded so that the values begin at a multiple of 64.
std::string make_npy_header(DType dtype, const Shape& shape);

}  // namespace lacuna::io
