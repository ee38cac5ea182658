#include "lacuna/safetensors.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <optional>
#include <set>
#include <utility>

#include "io/atomic_file.h"
#include "io/file.h"
#include "io/printable.h"
#include "io/safetensors_header.h"
#include "lacuna/error.h"

namespace lacuna {
namespace {

using io::printable;
using io::TensorEntry;

static_assert(std::endian::native == std::endian::little, "the formats here are little-endian");

constexpr std::size_t kLengthBytes = 8;
constexpr std::uint64_t kLongestHeader = 100'000'000;  // the limit of the format

struct ElementType {
  const char* name;
  int bits;
  std::optional<DType> type;  ///< none: known, but not read here
};
constexpr ElementType kElementTypes[] = {
    {"F32", 32, DType::f32},      {"F64", 64, DType::f64},      {"U8", 8, DType::u8},
    {"I32", 32, DType::i32},      {"I64", 64, DType::i64},      {"BOOL", 8, std::nullopt},
    {"I8", 8, std::nullopt},      {"I16", 16, std::nullopt},    {"U16", 16, std::nullopt},
    {"U32", 32, std::nullopt},    {"U64", 64, std::nullopt},    {"F16", 16, DType::f16},
    {"BF16", 16, DType::bf16},    {"C64", 64, std::nullopt},    {"F8_E4M3", 8, std::nullopt},
    {"F8_E5M2", 8, std::nullopt}, {"F8_E8M0", 8, std::nullopt}, {"F6_E2M3", 6, std::nullopt},
    {"F6_E3M2", 6, std::nullopt}, {"F4", 4, std::nullopt},
};

/// What views point into: the file, and copies of the tensors that do not lie as their type requires.
struct Storage {
  std::shared_ptr<const void> file;
  std::vector<std::unique_ptr<std::byte[]>> copies;
};

/// One file's checks: `path` for the messages, `data_size` bytes behind the header.
struct Checker {
  const std::string& path;
  std::uint64_t data_size;

  template <class... Parts>
  [[noreturn]] void fail(const TensorEntry& entry, fmt::format_string<Parts...> format, Parts&&... parts) const {
    throw InputError(fmt::format("{}: tensor {}: {}", path, printable(entry.name),
                                 fmt::format(format, std::forward<Parts>(parts)...)));
  }

  const ElementType& element_type(const TensorEntry& entry) const {
    for (const ElementType& type : kElementTypes)
      if (entry.dtype == type.name) return type;
    fail(entry, "unknown dtype {}", printable(entry.dtype));
  }

  /// Bytes that the shape needs. Zero extents count as one in the check, so that strides cannot overflow either.
  std::uint64_t bytes(const TensorEntry& entry, const ElementType& type) const {
    std::int64_t bound = type.bits;
    bool empty = false;
    for (std::uint64_t extent : entry.shape) {
      empty = empty || extent == 0;
      if (__builtin_mul_overflow(bound, std::max<std::uint64_t>(extent, 1), &bound))
        fail(entry, "shape [{}] is too large to be indexed", fmt::join(entry.shape, ", "));
    }
    if (empty) return 0;
    if (bound % 8 != 0) fail(entry, "{} elements of {} do not fill whole bytes", bound / type.bits, entry.dtype);
    return static_cast<std::uint64_t>(bound) / 8;
  }

  void check(const TensorEntry& entry) const {
    const ElementType& type = element_type(entry);
    const std::uint64_t needed = bytes(entry, type);
    if (entry.begin > entry.end || entry.end > data_size)
      fail(entry, "data_offsets [{}, {}] do not lie in order within the {} bytes of data", entry.begin, entry.end,
           data_size);
    if (entry.end - entry.begin != needed)
      fail(entry, "data_offsets [{}, {}] hold {} bytes, but {} of shape [{}] takes {}", entry.begin, entry.end,
           entry.end - entry.begin, entry.dtype, fmt::join(entry.shape, ", "), needed);
    if (type.type && entry.shape.size() > Shape::kMaxRank)
      fail(entry, "{} dimensions; at most {} are supported", entry.shape.size(), Shape::kMaxRank);
  }

  /// `entries` sorted by offset must cover the data without overlaps or gaps.
  void check_coverage(const std::vector<TensorEntry>& entries) const {
    std::uint64_t covered = 0;
    for (const TensorEntry& entry : entries) {
      if (entry.begin != covered)
        fail(entry, "data_offsets begin at {}, which {} the tensor before it, that ends at {}", entry.begin,
             entry.begin < covered ? "overlaps" : "leaves a gap after", covered);
      covered = entry.end;
    }
    if (covered != data_size)
      throw InputError(
          fmt::format("{}: {} bytes of data, but the tensors of the header end at {}", path, data_size, covered));
  }
};

std::string_view header_text(const unsigned char* bytes, std::size_t size, const std::string& path) {
  if (size < kLengthBytes)
    throw InputError(fmt::format("{}: not a safetensors file: {} bytes, shorter than the header's length", path, size));
  std::uint64_t length = 0;
  std::memcpy(&length, bytes, sizeof length);
  if (length > kLongestHeader)
    throw InputError(fmt::format("{}: not a safetensors file: the header length at offset 0 is {}, the limit is {}",
                                 path, length, kLongestHeader));
  if (length > size - kLengthBytes)
    throw InputError(
        fmt::format("{}: truncated or not a safetensors file: the header length at offset 0 is {}, but "
                    "only {} bytes follow",
                    path, length, size - kLengthBytes));
  return {reinterpret_cast<const char*>(bytes) + kLengthBytes, static_cast<std::size_t>(length)};
}

/// A view of the bytes, or of a copy where they are not aligned for their type.
ConstTensorView view_of(const TensorEntry& entry, DType type, const unsigned char* data, Storage& storage) {
  Shape shape;
  for (std::uint64_t extent : entry.shape) shape.push_back(static_cast<std::int64_t>(extent));
  const void* values = data + entry.begin;
  const std::size_t bytes = entry.end - entry.begin;
  if (reinterpret_cast<std::uintptr_t>(values) % static_cast<std::uintptr_t>(size_of(type)) != 0) {
    auto copy = std::make_unique<std::byte[]>(bytes);
    if (bytes > 0) std::memcpy(copy.get(), values, bytes);
    values = copy.get();
    storage.copies.push_back(std::move(copy));
  }
  return {values, type, shape};
}

const char* dtype_name(DType type) {
  for (const ElementType& element : kElementTypes)
    if (element.type == type) return element.name;
  return "?";
}

}  // namespace

SafetensorsFile SafetensorsFile::open(const std::string& path) {
  const io::FileBytes bytes = io::map_file(path);
  return parse(bytes.data, bytes.size, path, bytes.owner);
}

SafetensorsFile SafetensorsFile::parse(const void* bytes, std::size_t size, const std::string& name) {
  return parse(bytes, size, name, nullptr);
}

SafetensorsFile SafetensorsFile::parse(const void* bytes, std::size_t size, const std::string& name,
                                       std::shared_ptr<const void> owner) {
  const auto* begin = static_cast<const unsigned char*>(bytes);
  const std::string_view text = header_text(begin, size, name);
  io::SafetensorsHeader header = io::parse_safetensors_header(text, name);

  const unsigned char* data = begin + kLengthBytes + text.size();
  const Checker checker{name, size - kLengthBytes - text.size()};
  for (const TensorEntry& entry : header.tensors) checker.check(entry);
  std::ranges::stable_sort(header.tensors, {}, [](const TensorEntry& e) { return std::pair(e.begin, e.end); });
  checker.check_coverage(header.tensors);

  SafetensorsFile file;
  file.path_ = name;
  file.metadata_ = std::move(header.metadata);
  auto storage = std::make_shared<Storage>();
  storage->file = std::move(owner);
  for (const TensorEntry& entry : header.tensors) {
    if (const auto type = checker.element_type(entry).type) {
      file.tensors_.push_back({entry.name, view_of(entry, *type, data, *storage)});
      file.offsets_.push_back(data - begin + static_cast<std::int64_t>(entry.begin));
    } else {
      file.skipped_.emplace_back(entry.name, entry.dtype);
    }
  }
  file.owner_ = std::move(storage);
  return file;
}

const NamedTensor* SafetensorsFile::find(const std::string& tensor_name) const {
  for (const NamedTensor& tensor : tensors_)
    if (tensor.name == tensor_name) return &tensor;
  return nullptr;
}

void write_safetensors(const std::string& path, const std::vector<NamedTensor>& tensors,
                       const std::map<std::string, std::string>& metadata) {
  io::SafetensorsHeader header{{}, metadata};
  std::set<std::string_view> names{"__metadata__"};
  std::uint64_t offset = 0;
  for (const NamedTensor& tensor : tensors) {
    const ConstTensorView& view = tensor.view;
    LACUNA_EXPECTS(names.insert(tensor.name).second, fmt::format("tensor name {} is taken", printable(tensor.name)));
    LACUNA_EXPECTS(view.strides == ConstTensorView(view.data, view.dtype, view.shape).strides,
                   fmt::format("tensor {} must be contiguous", printable(tensor.name)));
    const auto bytes = static_cast<std::uint64_t>(view.bytes());
    header.tensors.push_back(
        {tensor.name, dtype_name(view.dtype), {view.shape.begin(), view.shape.end()}, offset, offset + bytes});
    offset += bytes;
  }
  const std::string text = io::make_safetensors_header(header);
  const std::uint64_t length = text.size();

  io::AtomicFile file(path);
  file.write(&length, sizeof length);
  file.write(text);
  for (const NamedTensor& tensor : tensors) file.write(tensor.view.data, static_cast<std::size_t>(tensor.view.bytes()));
  file.commit();
}

}  // namespace lacuna
