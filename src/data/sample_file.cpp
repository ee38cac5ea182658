#include "data/sample_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <new>

#include "lacuna/error.h"

namespace lacuna::data {
namespace {

/// What direct reads need of offset, length and memory: the largest block of the devices in use.
constexpr std::int64_t kAlignment = 4096;
/// Direct reads pin the pages that they write to, one after another.
constexpr std::size_t kHugePage = std::size_t{2} << 20;

/// Reads until `needed` bytes are there or there are no more; `wanted` may be more than that. -1: errno says why not.
std::int64_t read_at(int descriptor, std::byte* to, std::int64_t wanted, std::int64_t needed, std::int64_t offset) {
  std::int64_t got = 0;
  while (got < needed) {
    const ssize_t count = ::pread(descriptor, to + got, static_cast<std::size_t>(wanted - got), offset + got);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return -1;
    if (count == 0) break;
    got += count;
  }
  return got;
}

}  // namespace

void SampleFile::Scratch::Free::operator()(std::byte* memory) const {
  std::free(memory);
}

std::byte* SampleFile::Scratch::reserve(std::size_t bytes) {
  if (bytes <= bytes_) return memory_.get();
  void* memory = nullptr;
  const std::size_t whole = (bytes + kHugePage - 1) / kHugePage * kHugePage;
  if (posix_memalign(&memory, kHugePage, whole) != 0) throw std::bad_alloc();
  ::madvise(memory, whole, MADV_HUGEPAGE);
  memory_.reset(static_cast<std::byte*>(memory));
  bytes_ = bytes;
  return memory_.get();
}

SampleFile::SampleFile(StoredRows stored, Access access) : stored_(std::move(stored)) {
  descriptor_ = ::open(stored_.path.c_str(), O_RDONLY | O_CLOEXEC);
  struct stat status {};
  if (descriptor_ < 0 || ::fstat(descriptor_, &status) != 0) {
    const int reason = errno;
    if (descriptor_ >= 0) ::close(descriptor_);
    throw InputError(fmt::format("cannot read {}: {}", stored_.path, std::strerror(reason)));
  }
  size_ = status.st_size;
  changed_seconds_ = status.st_mtim.tv_sec;
  changed_nanoseconds_ = status.st_mtim.tv_nsec;
  const std::int64_t end = stored_.offset + stored_.rows * stored_row_bytes();
  if (!S_ISREG(status.st_mode) || end > size_) {
    ::close(descriptor_);
    throw InputError(fmt::format("{}: {} rows of {} bytes from offset {} need a file of {} bytes, this one has {}",
                                 stored_.path, stored_.rows, stored_row_bytes(), stored_.offset, end, size_));
  }
  if (access == Access::direct) direct_ = ::open(stored_.path.c_str(), O_RDONLY | O_CLOEXEC | O_DIRECT);
}

SampleFile::~SampleFile() {
  ::close(descriptor_);
  if (direct_ >= 0) ::close(direct_);
}

void SampleFile::fail_short(std::int64_t offset) const {
  struct stat status {};
  ::fstat(descriptor_, &status);
  throw Error(
      fmt::format("{} was cut short while it was read: nothing is left at byte {}, it has {} bytes instead of {}",
                  stored_.path, offset, status.st_size, size_));
}

void SampleFile::fail_reading(std::int64_t offset, int reason) const {
  throw Error(fmt::format("cannot read {} at byte {}: {}", stored_.path, offset, std::strerror(reason)));
}

void SampleFile::require_unchanged(std::int64_t offset) const {
  struct stat status {};
  if (::fstat(descriptor_, &status) != 0) fail_reading(offset, errno);
  if (status.st_size < size_) fail_short(std::max(offset, static_cast<std::int64_t>(status.st_size)));
  if (status.st_mtim.tv_sec != changed_seconds_ || status.st_mtim.tv_nsec != changed_nanoseconds_)
    throw Error(fmt::format("{} was changed while it was read (noticed at byte {}): samples may have become others",
                            stored_.path, offset));
}

const std::byte* SampleFile::read_cached(std::int64_t offset, std::int64_t bytes, Scratch& scratch) const {
  std::byte* memory = scratch.reserve(static_cast<std::size_t>(bytes));
  const std::int64_t got = read_at(descriptor_, memory, bytes, bytes, offset);
  if (got < 0) fail_reading(offset, errno);
  if (got < bytes) fail_short(offset + got);
  // Only advice: a page that two reads share is read again.
  ::posix_fadvise(descriptor_, offset, bytes, POSIX_FADV_DONTNEED);
  return memory;
}

const std::byte* SampleFile::read_direct(std::int64_t offset, std::int64_t bytes, Scratch& scratch) const {
  const std::int64_t begin = offset / kAlignment * kAlignment, needed = offset - begin + bytes;
  const std::int64_t wanted = (needed + kAlignment - 1) / kAlignment * kAlignment;
  std::byte* memory = scratch.reserve(static_cast<std::size_t>(wanted));
  const std::int64_t got = read_at(direct_, memory, wanted, needed, begin);
  if (got < 0 && errno == EINVAL) return read_cached(offset, bytes, scratch);  // another alignment, or at the new end
  if (got < 0) fail_reading(offset, errno);
  if (got < needed) fail_short(begin + got);
  return memory + (offset - begin);
}

const std::byte* SampleFile::read(std::int64_t first, std::int64_t rows, Scratch& scratch) const {
  LACUNA_EXPECTS(first >= 0 && rows >= 1 && first + rows <= stored_.rows, "rows outside the file");
  const std::int64_t offset = stored_.offset + first * stored_row_bytes(), bytes = rows * stored_row_bytes();
  const std::byte* values = direct_ >= 0 ? read_direct(offset, bytes, scratch) : read_cached(offset, bytes, scratch);
  require_unchanged(offset);
  return values;
}

void SampleFile::convert(const std::byte* from, std::int64_t values, void* to) const {
  data::convert(stored_.type, stored_.threshold, from, values, to);
}

void SampleFile::read_values(std::int64_t first, std::int64_t rows, Scratch& scratch, void* to) const {
  convert(read(first, rows, scratch), rows * stored_.features, to);
}

}  // namespace lacuna::data
