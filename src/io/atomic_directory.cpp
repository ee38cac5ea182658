#include "io/atomic_directory.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "io/file.h"
#include "io/sync.h"
#include "lacuna/error.h"

namespace lacuna::io {
namespace {

namespace fs = std::filesystem;

/// Creates a directory that was not there before: threads and earlier, killed processes may have used the same name.
std::string create_beside(const std::string& path) {
  static std::atomic<unsigned> counter{0};
  for (;;) {
    std::string name = fmt::format("{}.tmp-{}-{}", path, ::getpid(), counter++);
    if (::mkdir(name.c_str(), 0777) == 0) return name;
    if (errno != EEXIST)
      throw InputError(fmt::format("cannot create the directory {}: {}", path, std::strerror(errno)));
  }
}

}  // namespace

AtomicDirectory::AtomicDirectory(const std::string& path) : path_(without_slashes(path)) {
  if (path_.empty()) throw InputError("cannot create a directory: its name is empty");
  std::error_code ignored;
  const bool there = fs::exists(fs::symlink_status(path_, ignored));
  const bool empty = fs::is_directory(fs::symlink_status(path_, ignored)) && fs::is_empty(path_, ignored) && !ignored;
  if (there && !empty) throw InputError(fmt::format("{} exists; remove it or choose another name", path_));
  temporary_ = create_beside(path_);
}

AtomicDirectory::~AtomicDirectory() {
  std::error_code ignored;
  if (!temporary_.empty()) fs::remove_all(temporary_, ignored);
}

void AtomicDirectory::commit() {
  LACUNA_EXPECTS(!temporary_.empty(), "a directory is committed once");
  const auto require = [this](int reason) {
    if (reason != 0) throw Error(fmt::format("cannot create the directory {}: {}", path_, std::strerror(reason)));
  };
  require(sync_directory(temporary_));
  require(std::rename(temporary_.c_str(), path_.c_str()) == 0 ? 0 : errno);
  temporary_.clear();
  require(sync_directory(fs::path(path_).parent_path().string()));
}

}  // namespace lacuna::io
