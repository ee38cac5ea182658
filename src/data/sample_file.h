#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "data/stored_type.h"
#include "lacuna/tensor.h"

namespace lacuna::data {

/// Rows of samples that lie one after another in a file.
struct StoredRows {
  std::string path;
  std::int64_t offset = 0;  ///< of the first row, in bytes
  std::int64_t rows = 0, features = 0;
  StoredType type = StoredType::u8;
  bool threshold = false;  ///< values of at least 1/2 become 1, all others 0
};

/// Reads samples out of a file of any size, never through a mapping: a file that is cut short is then an error, not a
/// signal. Past the page cache where the file system allows it, else what was read is dropped from there. May be used
/// by several threads at once.
class SampleFile {
 public:
  enum class Access : std::uint8_t { direct, cached };

  /// Throws InputError if the file cannot be opened, or ends before the last row does.
  explicit SampleFile(StoredRows stored, Access access = Access::direct);
  ~SampleFile();
  SampleFile(const SampleFile&) = delete;
  SampleFile& operator=(const SampleFile&) = delete;

  const std::string& path() const { return stored_.path; }
  std::int64_t rows() const { return stored_.rows; }
  std::int64_t features() const { return stored_.features; }
  std::int64_t stored_row_bytes() const { return stored_.features * size_of(stored_.type); }
  /// What the values become: uint8 or float32.
  DType dtype() const { return dtype_of_samples(stored_.type); }

  /// Whether what is stored are the floats that are used.
  bool stored_as_used() const { return stored_.type == StoredType::f32 && !stored_.threshold; }

  /// Memory that reads go through; one for each thread.
  class Scratch {
   public:
    std::byte* reserve(std::size_t bytes);

   private:
    struct Free {
      void operator()(std::byte* memory) const;
    };
    std::unique_ptr<std::byte, Free> memory_;
    std::size_t bytes_ = 0;
  };

  /// Rows [first, first + rows) as they are stored; valid until the next read with the same scratch. Throws Error
  /// naming file and byte offset if it was cut short or changed since it was opened, or cannot be read.
  const std::byte* read(std::int64_t first, std::int64_t rows, Scratch& scratch) const;
  /// Values as they are stored to uint8 or float32 ones, as data::convert() does.
  void convert(const std::byte* from, std::int64_t values, void* to) const;
  /// read() and convert().
  void read_values(std::int64_t first, std::int64_t rows, Scratch& scratch, void* to) const;

 private:
  const std::byte* read_direct(std::int64_t offset, std::int64_t bytes, Scratch& scratch) const;
  const std::byte* read_cached(std::int64_t offset, std::int64_t bytes, Scratch& scratch) const;
  void require_unchanged(std::int64_t offset) const;
  [[noreturn]] void fail_short(std::int64_t offset) const;
  [[noreturn]] void fail_reading(std::int64_t offset, int reason) const;

  StoredRows stored_;
  int descriptor_ = -1, direct_ = -1;  // direct_: -1 where there is no way past the page cache
  std::int64_t size_ = 0, changed_seconds_ = 0, changed_nanoseconds_ = 0;
};

}  // namespace lacuna::data
