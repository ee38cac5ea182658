#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lacuna/tensor.h"

namespace lacuna::data {

/// An array of an IDX file in C order: uint8, or float32 brought into the machine's byte order.
struct IdxArray {
  Shape shape;  ///< shape[0] is what was read: the announced count, or the limit if that is less
  std::int64_t announced_rows = 0;
  DType dtype = DType::u8;
  std::shared_ptr<const void> values;
};

/// Format: http://yann.lecun.com/exdb/mnist: bytes 0 0, type code, rank; a big-endian u32 extent for each dimension;
/// the values, big-endian. Types 0x08 (unsigned byte) and 0x0d (float); plain or gzipped, found out from the content.
/// limit: read only the first rows (0: all); what follows them is then checked only as far as it costs nothing.
/// Throws InputError naming the file and the field or offset.
IdxArray read_idx(const std::string& path, std::int64_t limit = 0);
/// The same from bytes; `name` stands for the path in errors.
IdxArray parse_idx(const void* bytes, std::size_t size, const std::string& name, std::int64_t limit = 0);

/// Where the values of an uncompressed IDX file lie. Reads the header alone; nothing if the file is gzipped or a pipe.
struct IdxLayout {
  Shape shape;
  DType dtype = DType::u8;
  std::int64_t offset = 0;  ///< of the first value
};
std::optional<IdxLayout> idx_layout(const std::string& path);

/// Class labels: rank 1, unsigned bytes. announced_rows gets the header's count if not null.
std::vector<std::int32_t> read_idx_labels(const std::string& path, std::int64_t limit = 0,
                                          std::int64_t* announced_rows = nullptr);

}  // namespace lacuna::data
