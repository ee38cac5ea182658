#pragma once

#include <string>

namespace lacuna::io {

/// Writes a directory so that it appears whole or not at all: into `name.tmp-PID-N` beside its place, then renamed.
/// Without commit() everything is removed.
class AtomicDirectory {
 public:
  /// Throws InputError if something is there already, but an empty directory, or nothing can be created there.
  explicit AtomicDirectory(const std::string& path);
  ~AtomicDirectory();
  AtomicDirectory(const AtomicDirectory&) = delete;
  AtomicDirectory& operator=(const AtomicDirectory&) = delete;

  /// Where a file of this name is to be written for now.
  std::string file(const std::string& name) const { return temporary_ + "/" + name; }
  /// Makes it appear. Throws Error.
  void commit();

 private:
  std::string path_;
  std::string temporary_;  // empty: nothing left to remove
};

}  // namespace lacuna::io
