#pragma once

#include <string>
#include <utility>

namespace lacuna::io {

/// Holds a directory until it ends, so that two programs cannot write into it at once.
class DirectoryLock {
 public:
  DirectoryLock() = default;
  /// Throws InputError if the directory cannot be opened, or another one holds it.
  explicit DirectoryLock(const std::string& path);
  ~DirectoryLock();
  DirectoryLock(DirectoryLock&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  DirectoryLock& operator=(DirectoryLock&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
  }

 private:
  int descriptor_ = -1;
};

}  // namespace lacuna::io
