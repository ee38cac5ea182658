#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "lacuna/tensor.h"

namespace lacuna {

/// A tensor of a safetensors file, before or after reading.
struct NamedTensor {
  std::string name;
  ConstTensorView view;  ///< contiguous, C order
};

/// A safetensors file held in memory or mapped: header checked whole before anything is used.
/// Format: u64 little-endian header length, JSON header, data. https://huggingface.co/docs/safetensors
class SafetensorsFile {
 public:
  /// Throws InputError: file, field, and what is wrong. Element types accepted: F32, F64, F16, BF16, U8, I32, I64; a
  /// tensor of another type is listed in `skipped()` with its type.
  static SafetensorsFile open(const std::string& path);
  /// The same from bytes that the caller keeps alive (fuzzing, tests). `name` stands for the path in errors.
  static SafetensorsFile parse(const void* bytes, std::size_t size, const std::string& name);

  const std::string& path() const { return path_; }
  const std::vector<NamedTensor>& tensors() const { return tensors_; }
  const std::vector<std::pair<std::string, std::string>>& skipped() const { return skipped_; }
  const std::map<std::string, std::string>& metadata() const { return metadata_; }
  /// nullptr if there is none.
  const NamedTensor* find(const std::string& tensor_name) const;
  /// Where the tensor, one of tensors(), begins in the file.
  std::int64_t offset_of(const NamedTensor& tensor) const {
    return offsets_[static_cast<std::size_t>(&tensor - tensors_.data())];
  }
  /// Keeps the file's memory alive.
  std::shared_ptr<const void> owner() const { return owner_; }

 private:
  static SafetensorsFile parse(const void* bytes, std::size_t size, const std::string& name,
                               std::shared_ptr<const void> owner);

  std::string path_;
  std::vector<NamedTensor> tensors_;
  std::vector<std::int64_t> offsets_;  // of each tensor
  std::vector<std::pair<std::string, std::string>> skipped_;
  std::map<std::string, std::string> metadata_;
  std::shared_ptr<const void> owner_;
};

/// Writes atomically (temporary file beside it, fsync, rename). Tensors are stored in the order given, the header
/// padded so that data starts at a multiple of 8. Throws Error (disk full, unwritable) and leaves nothing partial.
void write_safetensors(const std::string& path, const std::vector<NamedTensor>& tensors,
                       const std::map<std::string, std::string>& metadata = {});

}  // namespace lacuna
