#include "io/safetensors_header.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <unordered_set>

#include "io/printable.h"
#include "lacuna/error.h"

namespace lacuna::io {
namespace {

constexpr const char* kMetadataKey = "__metadata__";

/// Receives the JSON as events, so that duplicate keys are seen (a document would drop them) and nesting is refused
/// as it begins (a document of a hundred thousand brackets would be built, and destroyed, first).
class HeaderReader : public nlohmann::json_sax<nlohmann::json> {
 public:
  explicit HeaderReader(const std::string& path) : path_(path) {}

  SafetensorsHeader take() { return std::move(header_); }

  bool start_object(std::size_t) override {
    if (where_ == Where::outside) {
      where_ = Where::root;
    } else if (where_ == Where::root) {
      where_ = key_ == kMetadataKey ? Where::metadata : Where::tensor;
      if (where_ == Where::tensor) {
        header_.tensors.emplace_back().name = key_;
        field_ = Field::none;
        seen_ = 0;
      }
    } else {
      mismatch("an object");
    }
    return true;
  }

  bool key(std::string& text) override {
    if (where_ == Where::root) {
      if (!names_.insert(text).second) fail(fmt::format("{} stands twice", printable(text)));
      key_ = text;
    } else if (where_ == Where::metadata) {
      key_ = text;
      if (header_.metadata.contains(text)) fail(fmt::format("metadata key {} stands twice", printable(text)));
    } else {
      field_ = parse_field(text);
      if (seen_ & bit(field_)) fail(place() + " stands twice");
      seen_ |= bit(field_);
    }
    return true;
  }

  bool end_object() override {
    if (where_ == Where::tensor) {
      for (Field field : {Field::dtype, Field::shape, Field::data_offsets})
        if (!(seen_ & bit(field)))
          fail(fmt::format("tensor {} has no field \"{}\"", printable(tensor().name), name(field)));
    }
    where_ = where_ == Where::root ? Where::outside : Where::root;
    return true;
  }

  bool start_array(std::size_t) override {
    if (where_ != Where::tensor || field_ == Field::dtype) mismatch("an array");
    where_ = Where::array;
    offsets_ = 0;
    return true;
  }

  bool end_array() override {
    if (field_ == Field::data_offsets && offsets_ != 2)
      fail(fmt::format("{} has {} numbers, not 2", place(), offsets_));
    where_ = Where::tensor;
    return true;
  }

  bool string(std::string& text) override {
    if (where_ == Where::metadata)
      header_.metadata.emplace(key_, text);
    else if (where_ == Where::tensor && field_ == Field::dtype)
      tensor().dtype = text;
    else
      mismatch("a string");
    return true;
  }

  bool number_unsigned(std::uint64_t value) override {
    if (where_ != Where::array) mismatch(fmt::format("the number {}", value));
    if (field_ == Field::shape) {
      tensor().shape.push_back(value);
    } else {
      if (offsets_ < 2) (offsets_ == 0 ? tensor().begin : tensor().end) = value;
      ++offsets_;
    }
    return true;
  }

  bool number_integer(std::int64_t value) override { mismatch(fmt::format("the number {}", value)); }
  bool number_float(double, const std::string& text) override { mismatch("the number " + text.substr(0, 40)); }
  bool null() override { mismatch("null"); }
  bool boolean(bool value) override { mismatch(value ? "true" : "false"); }
  bool binary(nlohmann::json::binary_t&) override { mismatch("binary"); }

  bool parse_error(std::size_t position, const std::string&, const nlohmann::json::exception&) override {
    constexpr std::size_t kLengthBytes = 8;
    throw InputError(fmt::format("{}: the header is not valid JSON at offset {}", path_,
                                 kLengthBytes + std::max<std::size_t>(position, 1) - 1));
  }

 private:
  enum class Where { outside, root, metadata, tensor, array };
  enum class Field { none, dtype, shape, data_offsets };

  static unsigned bit(Field field) { return 1U << static_cast<unsigned>(field); }
  static const char* name(Field field) {
    return field == Field::dtype ? "dtype" : field == Field::shape ? "shape" : "data_offsets";
  }
  Field parse_field(const std::string& text) const {
    for (Field field : {Field::dtype, Field::shape, Field::data_offsets})
      if (text == name(field)) return field;
    fail(fmt::format("tensor {} has an unknown field {}", printable(header_.tensors.back().name), printable(text)));
  }

  TensorEntry& tensor() { return header_.tensors.back(); }

  std::string place() const {
    switch (where_) {
      case Where::outside:
        return "the outermost value";
      case Where::root:
        return printable(key_);
      case Where::metadata:
        return fmt::format("metadata key {}", printable(key_));
      case Where::tensor:
      case Where::array:
        break;
    }
    return fmt::format("tensor {}, field \"{}\"", printable(header_.tensors.back().name), name(field_));
  }

  const char* wanted() const {
    if (where_ == Where::metadata || (where_ == Where::tensor && field_ == Field::dtype)) return "a string";
    if (where_ == Where::array) return "a whole number that is not negative";
    return where_ == Where::tensor ? "an array" : "an object";
  }

  [[noreturn]] void fail(const std::string& what) const {
    throw InputError(fmt::format("{}: in the header, {}", path_, what));
  }
  [[noreturn]] void mismatch(const std::string& found) const {
    fail(fmt::format("{}: found {}, expected {}", place(), found, wanted()));
  }

  const std::string& path_;
  SafetensorsHeader header_;
  Where where_ = Where::outside;
  Field field_ = Field::none;
  unsigned seen_ = 0;
  int offsets_ = 0;
  std::string key_;
  std::unordered_set<std::string> names_;
};

}  // namespace

SafetensorsHeader parse_safetensors_header(std::string_view json, const std::string& path) {
  // The parser takes a zero byte for the end of its input, and would ignore what follows.
  if (const std::size_t zero = json.find('\0'); zero != json.npos)
    throw InputError(fmt::format("{}: the header is not valid JSON at offset {}: a zero byte", path, 8 + zero));
  HeaderReader reader(path);
  nlohmann::json::sax_parse(json.begin(), json.end(), &reader);
  return reader.take();
}

std::string make_safetensors_header(const SafetensorsHeader& header) {
  auto root = nlohmann::ordered_json::object();
  if (!header.metadata.empty()) root[kMetadataKey] = header.metadata;
  for (const TensorEntry& tensor : header.tensors)
    root[tensor.name] = {
        {"dtype", tensor.dtype}, {"shape", tensor.shape}, {"data_offsets", {tensor.begin, tensor.end}}};
  std::string text = root.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
  text.append((8 - text.size() % 8) % 8, ' ');
  return text;
}

}  // namespace lacuna::io
