#include "data/gzip.h"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <cstring>
#include <new>

#include "lacuna/error.h"

namespace lacuna::data {
namespace {

constexpr std::size_t kBufferBytes = std::size_t{64} << 10;
constexpr std::uint64_t kMostDeflateCanDo = 1032;  // 258 bytes from 2 bits
constexpr int kGzipWindow = 15 + 16;               // zlib: largest window, gzip wrapping only

}  // namespace

struct ContentReader::Inflater {
  z_stream stream{};
  Inflater() {
    if (inflateInit2(&stream, kGzipWindow) != Z_OK) throw std::bad_alloc();
  }
  ~Inflater() { inflateEnd(&stream); }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;
};

ContentReader::ContentReader(std::unique_ptr<ByteSource> source, std::string name)
    : source_(std::move(source)), name_(std::move(name)), buffer_(kBufferBytes) {
  while (end_ < 2 && refill()) {
  }
  if (end_ >= 2 && buffer_[0] == 0x1f && buffer_[1] == 0x8b) inflater_ = std::make_unique<Inflater>();
}

ContentReader::~ContentReader() = default;

bool ContentReader::gzipped() const {
  return inflater_ != nullptr;
}

std::optional<std::uint64_t> ContentReader::size_bound() const {
  const std::optional<std::uint64_t> size = source_->size();
  if (!size || !gzipped()) return size;
  std::uint64_t bound = 0;
  return __builtin_mul_overflow(*size, kMostDeflateCanDo, &bound) ? UINT64_MAX : bound;
}

std::size_t ContentReader::read(void* out, std::size_t size) {
  const std::size_t count = gzipped() ? read_gzip(out, size) : read_plain(out, size);
  produced_ += count;
  return count;
}

bool ContentReader::at_end() {
  unsigned char next = 0;
  return read(&next, 1) == 0;
}

/// Appends to what the buffer holds, moving that to the front first. False at the end of the source.
bool ContentReader::refill() {
  if (begin_ > 0) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    consumed_ += begin_;
    end_ -= begin_;
    begin_ = 0;
  }
  const std::size_t got = source_->read(buffer_.data() + end_, buffer_.size() - end_);
  end_ += got;
  return got > 0;
}

std::size_t ContentReader::read_plain(void* out, std::size_t size) {
  auto* bytes = static_cast<unsigned char*>(out);
  std::size_t done = std::min(size, end_ - begin_);
  if (done > 0) std::memcpy(bytes, buffer_.data() + begin_, done);
  begin_ += done;
  while (done < size) {
    const std::size_t got = source_->read(bytes + done, size - done);
    if (got == 0) break;
    done += got;
    consumed_ += got;
  }
  return done;
}

std::size_t ContentReader::read_gzip(void* out, std::size_t size) {
  z_stream& stream = inflater_->stream;
  auto* bytes = static_cast<unsigned char*>(out);
  std::size_t done = 0;
  while (done < size && !ended_) {
    if (begin_ == end_ && !refill())
      throw InputError(
          fmt::format("{}: the gzip stream is cut off: the file ends at byte {}, after {} bytes of content; "
                      "download or copy it again",
                      name_, file_offset(), produced_ + done));
    const std::size_t room = std::min(size - done, std::size_t{1} << 30);
    stream.next_in = buffer_.data() + begin_;
    stream.avail_in = static_cast<uInt>(end_ - begin_);
    stream.next_out = bytes + done;
    stream.avail_out = static_cast<uInt>(room);
    const int code = inflate(&stream, Z_NO_FLUSH);
    begin_ = end_ - stream.avail_in;
    done += room - stream.avail_out;
    if (code == Z_STREAM_END)
      ended_ = !next_member();
    else if (code != Z_OK && code != Z_BUF_ERROR)
      fail_inflate(code);
  }
  return done;
}

/// After a member's end: true if another follows, false at the end of the file.
bool ContentReader::next_member() {
  while (end_ - begin_ < 2 && refill()) {
  }
  if (begin_ == end_) return false;
  if (end_ - begin_ < 2 || buffer_[begin_] != 0x1f || buffer_[begin_ + 1] != 0x8b)
    throw InputError(
        fmt::format("{}: the gzip stream ends at byte {}, but the file goes on with bytes that are not gzip", name_,
                    file_offset()));
  inflateReset(&inflater_->stream);
  return true;
}

void ContentReader::fail_inflate(int code) const {
  if (code == Z_MEM_ERROR) throw std::bad_alloc();
  std::string_view reason = "invalid data";
  if (code == Z_NEED_DICT)
    reason = "needs a preset dictionary";
  else if (inflater_->stream.msg != nullptr)
    reason = inflater_->stream.msg;
  if (reason == "incorrect data check") reason = "the CRC does not match the content";
  if (reason == "incorrect length check") reason = "the stored length does not match the content";
  throw InputError(
      fmt::format("{}: corrupt gzip stream near byte {}: {}; download or copy it again", name_, file_offset(), reason));
}

std::vector<unsigned char> inflate_gzip(const void* bytes, std::size_t size, const std::string& name,
                                        std::size_t max_bytes) {
  ContentReader reader(open_memory(bytes, size), name);
  if (!reader.gzipped()) throw InputError(fmt::format("{}: not gzip: it does not begin with bytes 1f 8b", name));
  std::vector<unsigned char> content;
  constexpr std::size_t kPiece = std::size_t{256} << 10;
  for (;;) {
    const std::size_t before = content.size();
    const std::size_t room = std::min(kPiece, max_bytes - before);
    if (room == 0) {
      if (reader.at_end()) return content;
      throw InputError(fmt::format("{}: the gzip stream holds more than the {} bytes expected", name, max_bytes));
    }
    content.resize(before + room);
    const std::size_t got = reader.read(content.data() + before, room);
    content.resize(before + got);
    if (got < room) return content;
  }
}

}  // namespace lacuna::data
