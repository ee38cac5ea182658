#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace lacuna::io {

/// What the header of a safetensors file says about one tensor. Only its form has been checked.
struct TensorEntry {
  std::string name;
  std::string dtype;                 ///< "F32"
  std::vector<std::uint64_t> shape;  ///< any rank
  std::uint64_t begin = 0, end = 0;  ///< bytes from the start of the data
};

struct SafetensorsHeader {
  std::vector<TensorEntry> tensors;  ///< in the order of the header
  std::map<std::string, std::string> metadata;
};

/// Reads the JSON text. Throws InputError naming the file and the tensor and field, or the offset within the file,
/// unless it is exactly of the format: no key twice, no field missing or unknown, whole numbers only.
SafetensorsHeader parse_safetensors_header(std::string_view json, const std::string& path);

/// The JSON text, padded with spaces to a multiple of 8 bytes. Text that is not UTF-8 gets replacement characters.
std::string make_safetensors_header(const SafetensorsHeader& header);

}  // namespace lacuna::io
