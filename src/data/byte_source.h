#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace lacuna::data {

/// Bytes in order, from a file, a pipe or memory.
class ByteSource {
 public:
  virtual ~ByteSource() = default;
  /// Reads up to `size` bytes into out; 0 only at the end. Throws InputError naming the file if reading fails.
  virtual std::size_t read(void* out, std::size_t size) = 0;
  /// How many bytes there are in all; unknown for a pipe.
  virtual std::optional<std::uint64_t> size() const = 0;
};

/// Throws InputError if the file cannot be opened or is a directory.
std::unique_ptr<ByteSource> open_file(const std::string& path);
/// The caller keeps the bytes alive.
std::unique_ptr<ByteSource> open_memory(const void* bytes, std::size_t size);

}  // namespace lacuna::data
