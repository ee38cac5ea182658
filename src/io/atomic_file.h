#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace lacuna::io {

/// Writes a file so that it appears whole or not at all: into `name.tmp-PID-N` beside its place, flushed and synced,
/// then renamed. Without commit() the temporary is removed and whatever was at the path stays as it was.
/// A symbolic link is followed; a device or a pipe, which cannot be renamed over, is written directly.
class AtomicFile {
 public:
  /// Throws InputError if nothing can be created there (no such directory, no permission, a directory in the way).
  explicit AtomicFile(const std::string& path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  /// Throws Error naming the path and the system's reason (disk full).
  void write(const void* bytes, std::size_t size);
  void write(std::string_view text) { write(text.data(), text.size()); }
  /// Makes it appear. Throws Error.
  void commit();

 private:
  void flush();
  void write_through(const char* bytes, std::size_t size);
  void sync(int descriptor) const;
  [[noreturn]] void fail(int reason) const;

  std::string path_;         // as the caller named it, for errors
  std::string destination_;  // links resolved
  std::string temporary_;    // empty: written directly, or nothing left to remove
  int descriptor_ = -1;
  std::string buffer_;
};

/// A whole text file, atomically.
void write_text_file(const std::string& path, std::string_view text);

}  // namespace lacuna::io
