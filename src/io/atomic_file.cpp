#include "io/atomic_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

#include "io/sync.h"
#include "lacuna/error.h"

namespace lacuna::io {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kBufferBytes = std::size_t{1} << 16;

/// Creates a file that was not there before: threads and earlier, killed processes may have used the same name.
int create_beside(const std::string& destination, std::string& name) {
  static std::atomic<unsigned> counter{0};
  for (;;) {
    name = fmt::format("{}.tmp-{}-{}", destination, ::getpid(), counter++);
    const int descriptor = ::open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (descriptor >= 0 || errno != EEXIST) return descriptor;
  }
}

}  // namespace

AtomicFile::AtomicFile(const std::string& path) : path_(path) {
  if (path.empty()) throw InputError("cannot write a file: its name is empty");
  std::error_code unresolved;
  destination_ = fs::canonical(path, unresolved).string();
  if (unresolved) destination_ = path;

  std::error_code ignored;
  const fs::file_status status = fs::status(destination_, ignored);
  if (fs::is_directory(status)) throw InputError(fmt::format("cannot write {}: it is a directory", path));
  const bool direct = fs::exists(status) && !fs::is_regular_file(status);
  descriptor_ = direct ? ::open(destination_.c_str(), O_WRONLY | O_CLOEXEC) : create_beside(destination_, temporary_);
  if (descriptor_ < 0) {
    const int reason = errno;
    temporary_.clear();
    throw InputError(fmt::format("cannot write {}: {}", path, std::strerror(reason)));
  }
}

AtomicFile::~AtomicFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

void AtomicFile::fail(int reason) const {
  const bool full = reason == ENOSPC || reason == EDQUOT;
  throw Error(fmt::format("cannot write {}: {}{}", path_, std::strerror(reason),
                          full ? "; make room there or choose another place" : ""));
}

void AtomicFile::write(const void* bytes, std::size_t size) {
  const char* from = static_cast<const char*>(bytes);
  if (buffer_.size() + size > kBufferBytes) flush();
  if (size > kBufferBytes)
    write_through(from, size);
  else if (size > 0)
    buffer_.append(from, size);
}

void AtomicFile::flush() {
  write_through(buffer_.data(), buffer_.size());
  buffer_.clear();
}

void AtomicFile::write_through(const char* bytes, std::size_t size) {
  while (size > 0) {
    const ssize_t count = ::write(descriptor_, bytes, size);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail(errno);
    bytes += count;
    size -= static_cast<std::size_t>(count);
  }
}

void AtomicFile::sync(int descriptor) const {
  // EINVAL, ENOTSUP: pipes, devices and some file systems have nothing to sync.
  if (::fsync(descriptor) != 0 && errno != EINVAL && errno != ENOTSUP) fail(errno);
}

void AtomicFile::commit() {
  LACUNA_EXPECTS(descriptor_ >= 0, "a file is committed once");
  flush();
  sync(descriptor_);
  if (::close(std::exchange(descriptor_, -1)) != 0) fail(errno);
  if (temporary_.empty()) return;

  if (::rename(temporary_.c_str(), destination_.c_str()) != 0) fail(errno);
  temporary_.clear();
  if (const int reason = sync_directory(fs::path(destination_).parent_path().string()); reason != 0) fail(reason);
}

void write_text_file(const std::string& path, std::string_view text) {
  AtomicFile file(path);
  file.write(text);
  file.commit();
}

}  // namespace lacuna::io
