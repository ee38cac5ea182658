#include "data/idx.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <filesystem>
#include <new>
#include <span>
#include <string_view>

#include "data/gzip.h"
#include "lacuna/error.h"

namespace lacuna::data {
namespace {

struct Header {
  DType dtype = DType::u8;
  Shape shape;
  std::uint64_t bytes = 0;  // of the header itself
};

std::string_view name_of_type(unsigned char code) {
  switch (code) {
    case 0x09:
      return "signed byte";
    case 0x0b:
      return "16-bit integer";
    case 0x0c:
      return "32-bit integer";
    case 0x0e:
      return "64-bit float";
    default:
      return "unknown";
  }
}

void read_header_bytes(ContentReader& reader, unsigned char* out, std::size_t size, std::size_t offset) {
  const std::size_t got = reader.read(out, size);
  if (got == size) return;
  if (offset + got == 0) throw InputError(fmt::format("{}: the file is empty", reader.name()));
  throw InputError(fmt::format("{}: cut off at byte {} inside the IDX header", reader.name(), offset + got));
}

DType element_type(const std::string& name, unsigned char code) {
  if (code == 0x08) return DType::u8;
  if (code == 0x0d) return DType::f32;
  throw InputError(
      fmt::format("{}: IDX element type 0x{:02x} ({}) at byte 2 is not supported: use 0x08 (unsigned byte) or 0x0d "
                  "(32-bit float)",
                  name, code, name_of_type(code)));
}

Header read_header(ContentReader& reader) {
  std::array<unsigned char, 4> magic{};
  read_header_bytes(reader, magic.data(), magic.size(), 0);
  if (magic[0] != 0 || magic[1] != 0)
    throw InputError(fmt::format("{}: not an IDX file: it begins with bytes {:02x} {:02x} instead of 00 00",
                                 reader.name(), magic[0], magic[1]));
  Header header;
  header.dtype = element_type(reader.name(), magic[2]);
  const int rank = magic[3];
  if (rank < 1 || rank > Shape::kMaxRank)
    throw InputError(fmt::format("{}: IDX rank {} at byte 3 is outside 1 to {}", reader.name(), rank, Shape::kMaxRank));
  header.bytes = 4;
  for (int axis = 0; axis < rank; ++axis) {
    std::array<unsigned char, 4> e{};
    read_header_bytes(reader, e.data(), e.size(), header.bytes);
    const auto extent = static_cast<std::int64_t>(std::uint32_t{e[0]} << 24 | std::uint32_t{e[1]} << 16 |
                                                  std::uint32_t{e[2]} << 8 | std::uint32_t{e[3]});
    if (extent == 0)
      throw InputError(fmt::format("{}: IDX dimension {} (byte {}) is 0: {}", reader.name(), axis, header.bytes,
                                   axis == 0 ? "there are no samples" : "the samples are empty"));
    header.shape.push_back(extent);
    header.bytes += 4;
  }
  return header;
}

/// Bytes of the values announced. Throws if the file cannot hold them, before anything is allocated.
std::uint64_t announced_bytes(const ContentReader& reader, const Header& header) {
  std::uint64_t bytes = static_cast<std::uint64_t>(size_of(header.dtype));
  bool overflow = false;
  for (const std::int64_t extent : header.shape)
    overflow = overflow || __builtin_mul_overflow(bytes, static_cast<std::uint64_t>(extent), &bytes);
  if (overflow || bytes > static_cast<std::uint64_t>(INT64_MAX) - header.bytes)
    throw InputError(fmt::format("{}: the IDX header announces {} {} values, more than any file can hold",
                                 reader.name(), to_string(header.shape), to_string(header.dtype)));
  const std::optional<std::uint64_t> bound = reader.size_bound();
  if (bound && *bound < header.bytes + bytes)
    throw InputError(
        fmt::format("{}: the IDX header announces {} {} values ({} bytes), but the file {} {} bytes: it is "
                    "cut off or its header is wrong",
                    reader.name(), to_string(header.shape), to_string(header.dtype), header.bytes + bytes,
                    reader.gzipped() ? "cannot inflate to more than" : "has", *bound));
  if (bound && !reader.gzipped() && *bound > header.bytes + bytes)
    throw InputError(fmt::format("{}: {} bytes follow the last of the {} values announced (at byte {})", reader.name(),
                                 *bound - header.bytes - bytes, to_string(header.shape), header.bytes + bytes));
  return bytes;
}

std::shared_ptr<unsigned char[]> allocate(const std::string& name, std::uint64_t bytes) {
  const auto physical =
      static_cast<std::uint64_t>(::sysconf(_SC_PHYS_PAGES)) * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  if (bytes <= physical) {
    try {
      return std::shared_ptr<unsigned char[]>(new unsigned char[bytes]);
    } catch (const std::bad_alloc&) {
    }
  }
  throw InputError(fmt::format("{}: {} MiB of values do not fit into memory; --limit takes the first samples only",
                               name, bytes >> 20));
}

/// IDX floats are big-endian.
void to_native_order(unsigned char* bytes, std::uint64_t size) {
  if constexpr (std::endian::native == std::endian::big) return;
  for (std::uint64_t i = 0; i + 4 <= size; i += 4) {
    std::uint32_t word = 0;
    std::memcpy(&word, bytes + i, 4);
    word = __builtin_bswap32(word);
    std::memcpy(bytes + i, &word, 4);
  }
}

IdxArray read(ContentReader& reader, std::int64_t limit) {
  const Header header = read_header(reader);
  const std::uint64_t all = announced_bytes(reader, header);
  IdxArray array;
  array.dtype = header.dtype;
  array.announced_rows = header.shape[0];
  const std::int64_t rows = limit > 0 ? std::min(limit, header.shape[0]) : header.shape[0];
  array.shape.push_back(rows);
  for (int axis = 1; axis < header.shape.rank(); ++axis) array.shape.push_back(header.shape[axis]);

  const std::uint64_t wanted = all / static_cast<std::uint64_t>(header.shape[0]) * static_cast<std::uint64_t>(rows);
  const std::shared_ptr<unsigned char[]> values = allocate(reader.name(), wanted);
  const std::uint64_t got = reader.read(values.get(), wanted);
  if (got < wanted)
    throw InputError(fmt::format(
        "{}: the content ends at byte {}, but the IDX header announces {} {} values ({} bytes)", reader.name(),
        header.bytes + got, to_string(header.shape), to_string(header.dtype), header.bytes + all));
  if (wanted == all && !reader.at_end())
    throw InputError(fmt::format("{}: content follows the last of the {} values announced (at byte {})", reader.name(),
                                 to_string(header.shape), header.bytes + all));
  if (array.dtype == DType::f32) to_native_order(values.get(), wanted);
  array.values = values;
  return array;
}

}  // namespace

IdxArray read_idx(const std::string& path, std::int64_t limit) {
  ContentReader reader(open_file(path), path);
  return read(reader, limit);
}

IdxArray parse_idx(const void* bytes, std::size_t size, const std::string& name, std::int64_t limit) {
  ContentReader reader(open_memory(bytes, size), name);
  return read(reader, limit);
}

std::optional<IdxLayout> idx_layout(const std::string& path) {
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(path, ignored)) return std::nullopt;
  ContentReader reader(open_file(path), path);
  if (reader.gzipped()) return std::nullopt;
  const Header header = read_header(reader);
  announced_bytes(reader, header);  // throws if the file is shorter or longer
  return IdxLayout{header.shape, header.dtype, static_cast<std::int64_t>(header.bytes)};
}

std::vector<std::int32_t> read_idx_labels(const std::string& path, std::int64_t limit, std::int64_t* announced_rows) {
  const IdxArray array = read_idx(path, limit);
  if (array.shape.rank() != 1 || array.dtype != DType::u8)
    throw InputError(
        fmt::format("{}: labels must be a rank 1 IDX file of unsigned bytes; this one holds {} of shape {}", path,
                    to_string(array.dtype), to_string(array.shape)));
  if (announced_rows != nullptr) *announced_rows = array.announced_rows;
  const std::span values(static_cast<const unsigned char*>(array.values.get()),
                         static_cast<std::size_t>(array.shape[0]));
  return {values.begin(), values.end()};
}

}  // namespace lacuna::data
