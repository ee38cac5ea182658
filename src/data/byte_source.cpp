#include "data/byte_source.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "lacuna/error.h"

namespace lacuna::data {
namespace {

class FileSource : public ByteSource {
 public:
  explicit FileSource(const std::string& path) : path_(path), descriptor_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
    if (descriptor_ < 0) throw InputError(fmt::format("cannot read {}: {}", path_, std::strerror(errno)));
    struct stat status {};
    if (::fstat(descriptor_, &status) != 0) return;
    if (S_ISDIR(status.st_mode)) {
      ::close(descriptor_);
      throw InputError(fmt::format("cannot read {}: it is a directory, a file is needed", path_));
    }
    if (S_ISREG(status.st_mode)) size_ = static_cast<std::uint64_t>(status.st_size);
  }
  ~FileSource() override { ::close(descriptor_); }
  FileSource(const FileSource&) = delete;
  FileSource& operator=(const FileSource&) = delete;

  std::size_t read(void* out, std::size_t size) override {
    for (;;) {
      const ssize_t got = ::read(descriptor_, out, std::min(size, std::size_t{1} << 30));
      if (got >= 0) {
        offset_ += static_cast<std::uint64_t>(got);
        return static_cast<std::size_t>(got);
      }
      if (errno != EINTR)
        throw InputError(fmt::format("cannot read {} at byte {}: {}", path_, offset_, std::strerror(errno)));
    }
  }
  std::optional<std::uint64_t> size() const override { return size_; }

 private:
  std::string path_;
  int descriptor_;
  std::uint64_t offset_ = 0;
  std::optional<std::uint64_t> size_;
};

class MemorySource : public ByteSource {
 public:
  MemorySource(const void* bytes, std::size_t size)
      : next_(static_cast<const char*>(bytes)), left_(size), size_(size) {}

  std::size_t read(void* out, std::size_t size) override {
    const std::size_t count = std::min(size, left_);
    if (count == 0) return 0;
    std::memcpy(out, next_, count);
    next_ += count;
    left_ -= count;
    return count;
  }
  std::optional<std::uint64_t> size() const override { return size_; }

 private:
  const char* next_;
  std::size_t left_;
  std::size_t size_;
};

}  // namespace

std::unique_ptr<ByteSource> open_file(const std::string& path) {
  return std::make_unique<FileSource>(path);
}

std::unique_ptr<ByteSource> open_memory(const void* bytes, std::size_t size) {
  return std::make_unique<MemorySource>(bytes, size);
}

}  // namespace lacuna::data
