#include "io/npy_header.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

#include "io/printable.h"
#include "lacuna/error.h"

namespace lacuna::io {
namespace {

constexpr std::string_view kMagic = "\x93NUMPY";

struct TypeCode {
  std::string_view code;  ///< without the byte order
  DType type;
};
constexpr TypeCode kTypeCodes[] = {{"f4", DType::f32}, {"f8", DType::f64}, {"f2", DType::f16}, {"V2", DType::bf16},
                                   {"u1", DType::u8},  {"i4", DType::i32}, {"i8", DType::i64}};

/// The dictionary literal {'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }: keys in any order, each once.
class DictionaryParser {
 public:
  DictionaryParser(std::string_view text, std::size_t offset, const std::string& name)
      : text_(text), offset_(offset), name_(name) {}

  NpyHeader parse() {
    expect('{');
    while (!take('}')) {
      const std::string_view key = string_literal();
      if (std::ranges::find(keys_, key) != keys_.end()) fail(fmt::format("key {} stands twice", printable(key)));
      keys_.push_back(key);
      expect(':');
      value(key);
      if (!take(',')) {
        expect('}');
        break;
      }
    }
    skip_space();
    if (at_ != text_.size()) fail("text follows the dictionary");
    for (std::string_view key : {"descr", "fortran_order", "shape"})
      if (std::ranges::find(keys_, key) == keys_.end()) fail(fmt::format("key {} is missing", printable(key)));
    return header_;
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw InputError(fmt::format("{}: NPY header, offset {}: {}", name_, offset_ + at_, what));
  }

  void value(std::string_view key) {
    if (key == "descr")
      header_.dtype = element_type();
    else if (key == "fortran_order")
      header_.fortran_order = boolean();
    else if (key == "shape")
      header_.shape = tuple();
    else
      fail(fmt::format("unknown key {}", printable(key)));
  }

  void skip_space() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n')) ++at_;
  }
  bool take(char c) {
    skip_space();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  void expect(char c) {
    if (!take(c)) fail(fmt::format("expected '{}'", c));
  }

  std::string_view string_literal() {
    const char quote = take('"') ? '"' : '\'';
    if (quote == '\'') expect('\'');
    const std::size_t end = text_.find(quote, at_);
    if (end == text_.npos) fail("a string does not end");
    const std::string_view body = text_.substr(at_, end - at_);
    if (body.find_first_of("\\\n") != body.npos) fail("escapes are not supported");
    at_ = end + 1;
    return body;
  }

  bool boolean() {
    skip_space();
    for (const auto& [word, value] : {std::pair{"True", true}, std::pair{"False", false}}) {
      if (text_.substr(at_).starts_with(word)) {
        at_ += std::strlen(word);
        return value;
      }
    }
    fail("fortran_order must be True or False");
  }

  Shape tuple() {
    Shape shape;
    expect('(');
    bool comma = true;
    while (!take(')')) {
      if (!comma) fail("expected ',' or ')'");
      if (shape.rank() == Shape::kMaxRank) fail(fmt::format("more than {} dimensions", Shape::kMaxRank));
      shape.push_back(whole_number());
      comma = take(',');
    }
    if (shape.rank() == 1 && !comma) fail("shape must be a tuple");
    return shape;
  }

  std::int64_t whole_number() {
    skip_space();
    const std::size_t begin = at_;
    std::int64_t number = 0;
    for (; at_ < text_.size() && std::isdigit(static_cast<unsigned char>(text_[at_])); ++at_)
      if (__builtin_mul_overflow(number, 10, &number) || __builtin_add_overflow(number, text_[at_] - '0', &number))
        fail("an extent is too large");
    if (at_ == begin) fail("expected an extent: a whole number that is not negative");
    return number;
  }

  DType element_type() {
    skip_space();
    if (at_ < text_.size() && text_[at_] == '[') fail("structured arrays are not supported");
    const std::string_view descr = string_literal();
    const std::string_view code = descr.substr(std::min<std::size_t>(1, descr.size()));
    if (descr.starts_with("|O")) fail("object arrays (pickled Python objects) are not supported; save plain numbers");
    // bfloat16 has no code. ml_dtypes, whose only type of two bytes it is, saves it as <V2, which NumPy by itself never
    // writes; read and saved again by NumPy alone it is |V2. Some other writers use its name.
    if (descr == "|V2" || descr == "bfloat16") return DType::bf16;
    for (const TypeCode& known : kTypeCodes) {
      if (code != known.code) continue;
      const bool one_byte = size_of(known.type) == 1;
      if (descr[0] == '<' || (descr[0] == '|' && one_byte)) return known.type;
      if (descr[0] == '>' && one_byte) return known.type;
      if (descr[0] == '>' && known.type != DType::bf16)
        fail(fmt::format("big-endian {} ({}) is not supported; convert with array.astype(\"<{}\")",
                         to_string(known.type), printable(descr), code));
    }
    fail(fmt::format("element type {} is not supported; supported: <f2, <V2 (bfloat16), <f4, <f8, |u1, <i4, <i8",
                     printable(descr)));
  }

  std::string_view text_;
  std::size_t offset_;  // of the text within the file
  const std::string& name_;
  std::size_t at_ = 0;
  std::vector<std::string_view> keys_;
  NpyHeader header_;
};

std::size_t little_endian(const unsigned char* bytes, std::size_t count) {
  std::size_t value = 0;
  for (std::size_t i = 0; i < count; ++i) value |= static_cast<std::size_t>(bytes[i]) << (8 * i);
  return value;
}

}  // namespace

NpyHeader parse_npy_header(const unsigned char* bytes, std::size_t size, const std::string& name) {
  const std::size_t version_at = kMagic.size();
  if (size < version_at + 2 || std::memcmp(bytes, kMagic.data(), kMagic.size()) != 0)
    throw InputError(fmt::format("{}: not an NPY file: it does not begin with \\x93NUMPY", name));
  const unsigned major = bytes[version_at], minor = bytes[version_at + 1];
  if (major < 1 || major > 3 || minor != 0)
    throw InputError(fmt::format("{}: NPY version {}.{} at offset {} is not supported (1.0, 2.0 and 3.0 are)", name,
                                 major, minor, version_at));

  const std::size_t length_at = version_at + 2;
  const std::size_t length_bytes = major == 1 ? 2 : 4;
  const std::size_t text_at = length_at + length_bytes;
  if (size < text_at) throw InputError(fmt::format("{}: truncated: {} bytes, the NPY header is longer", name, size));
  const std::size_t length = little_endian(bytes + length_at, length_bytes);
  if (length > size - text_at)
    throw InputError(fmt::format("{}: truncated: the NPY header length at offset {} is {}, but {} bytes follow", name,
                                 length_at, length, size - text_at));

  const std::string_view text(reinterpret_cast<const char*>(bytes) + text_at, length);
  NpyHeader header = DictionaryParser(text, text_at, name).parse();
  header.data_offset = text_at + length;
  return header;
}

std::string make_npy_header(DType dtype, const Shape& shape) {
  std::string_view code;
  for (const TypeCode& known : kTypeCodes)
    if (known.type == dtype) code = known.code;
  const std::string dictionary =
      fmt::format("{{'descr': '{}{}', 'fortran_order': False, 'shape': ({}{}), }}", dtype == DType::u8 ? '|' : '<',
                  code, fmt::join(shape.begin(), shape.end(), ", "), shape.rank() == 1 ? "," : "");

  constexpr std::size_t kAlignment = 64;
  constexpr std::size_t kPrefix = 10;  // magic, version, length
  const std::size_t unpadded = kPrefix + dictionary.size() + 1;
  const std::size_t padding = (kAlignment - unpadded % kAlignment) % kAlignment;
  const std::size_t length = dictionary.size() + padding + 1;

  std::string header(kMagic);
  header += {'\1', '\0', static_cast<char>(length & 0xff), static_cast<char>(length >> 8)};
  return header + dictionary + std::string(padding, ' ') + '\n';
}

}  // namespace lacuna::io
