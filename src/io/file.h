#pragma once

#include <cstddef>
#include <memory>
#include <string>

namespace lacuna::io {

/// The bytes of a file, kept alive by `owner`.
struct FileBytes {
  const unsigned char* data = nullptr;
  std::size_t size = 0;
  std::shared_ptr<const void> owner;
};

/// Maps a file read-only; pages are read as they are touched. A pipe, which cannot be mapped, is read whole.
/// Throws InputError naming the path if it is missing, unreadable, empty, a directory or a device.
FileBytes map_file(const std::string& path);

/// Reads a file or a pipe whole into memory. Throws as map_file does.
FileBytes read_file(const std::string& path);

/// The path of a directory without the slashes that it may end with; "/" stays.
std::string without_slashes(std::string path);

}  // namespace lacuna::io
