#include "io/file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

#include "lacuna/error.h"

namespace lacuna::io {
namespace {

[[noreturn]] void fail(const std::string& path, const std::string& what) {
  throw InputError(fmt::format("cannot read {}: {}", path, what));
}

struct Descriptor {
  int number;
  explicit Descriptor(int opened) : number(opened) {}
  ~Descriptor() {
    if (number >= 0) ::close(number);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
};

/// An open regular file or pipe.
class Source {
 public:
  explicit Source(const std::string& path) : path_(path), descriptor_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
    struct stat status {};
    if (descriptor_.number < 0 || ::fstat(descriptor_.number, &status) != 0) fail(path_, std::strerror(errno));
    regular_ = S_ISREG(status.st_mode);
    size_ = static_cast<std::size_t>(status.st_size);
    if (S_ISDIR(status.st_mode)) fail(path_, "it is a directory, a file is needed");
    if (!regular_ && !S_ISFIFO(status.st_mode)) fail(path_, "it is a device, a file is needed");
    if (regular_ && size_ == 0) fail(path_, "the file is empty");
  }

  bool regular() const { return regular_; }

  FileBytes map() const {
    void* address = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, descriptor_.number, 0);
    if (address == MAP_FAILED) fail(path_, fmt::format("mapping {} bytes failed: {}", size_, std::strerror(errno)));
    const std::size_t size = size_;
    std::shared_ptr<const void> owner(address, [size](void* mapped) { ::munmap(mapped, size); });
    return {static_cast<const unsigned char*>(address), size, std::move(owner)};
  }

  FileBytes read() const {
    // One byte more than the size, so that a file that is as long as it says needs no second buffer.
    auto bytes = std::make_shared<std::vector<unsigned char>>(regular_ ? size_ + 1 : std::size_t{1} << 16);
    std::size_t used = 0;
    for (;;) {
      if (used == bytes->size()) bytes->resize(2 * used);
      const ssize_t count = ::read(descriptor_.number, bytes->data() + used, bytes->size() - used);
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) fail(path_, std::strerror(errno));
      if (count == 0) break;
      used += static_cast<std::size_t>(count);
    }
    if (used == 0) fail(path_, "the file is empty");
    return {bytes->data(), used, bytes};
  }

 private:
  const std::string& path_;
  Descriptor descriptor_;
  bool regular_ = false;
  std::size_t size_ = 0;
};

}  // namespace

FileBytes map_file(const std::string& path) {
  const Source source(path);
  return source.regular() ? source.map() : source.read();
}

FileBytes read_file(const std::string& path) {
  return Source(path).read();
}

std::string without_slashes(std::string path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  return path;
}

}  // namespace lacuna::io
