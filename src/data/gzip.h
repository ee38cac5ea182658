#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "data/byte_source.h"

namespace lacuna::data {

/// The content of a source that may be gzipped (found out from its first two bytes, never from its name), inflated
/// straight into the caller's memory: nothing is held here but a window and an input buffer.
///
/// Throws InputError, with the name and the offset in the file, for corrupt data, a stream that ends early, a wrong
/// CRC or length, and bytes after the stream that are not another gzip member. CRC and length stand at a member's end,
/// so they are checked only when the content is read past its last byte (at_end() does).
class ContentReader {
 public:
  ContentReader(std::unique_ptr<ByteSource> source, std::string name);
  ~ContentReader();
  ContentReader(const ContentReader&) = delete;
  ContentReader& operator=(const ContentReader&) = delete;

  /// Reads up to `size` bytes; fewer only at the end of the content.
  std::size_t read(void* out, std::size_t size);
  /// Whether the content ends here. Consumes nothing that read() would miss, but one byte, if it does not.
  bool at_end();

  bool gzipped() const;
  const std::string& name() const { return name_; }
  /// No content of this source can be larger: its size if plain, 1032 times that (the most that deflate can do) if
  /// gzipped; unknown for a pipe.
  std::optional<std::uint64_t> size_bound() const;

 private:
  struct Inflater;

  std::size_t read_plain(void* out, std::size_t size);
  std::size_t read_gzip(void* out, std::size_t size);
  bool refill();
  bool next_member();
  [[noreturn]] void fail_inflate(int code) const;
  std::uint64_t file_offset() const { return consumed_ + begin_; }

  std::unique_ptr<ByteSource> source_;
  std::string name_;
  std::vector<unsigned char> buffer_;
  std::size_t begin_ = 0, end_ = 0;  // what of the buffer is not used yet
  std::uint64_t consumed_ = 0;       // offset in the file of the buffer's first byte
  std::uint64_t produced_ = 0;       // content handed out
  bool ended_ = false;
  std::unique_ptr<Inflater> inflater_;  // none if the source is plain
};

/// Inflates a whole gzip file in memory. Throws InputError as ContentReader does, if the bytes are not gzip at all, and
/// as soon as the content exceeds `max_bytes`.
std::vector<unsigned char> inflate_gzip(const void* bytes, std::size_t size, const std::string& name,
                                        std::size_t max_bytes);

}  // namespace lacuna::data
