#pragma once

#include <memory>
#include <string>

#include "lacuna/tensor.h"

namespace lacuna {

/// An array read from a NumPy file, in C order whatever the file's.
struct NpyArray {
  ConstTensorView view;
  std::shared_ptr<const void> owner;
};

/// Versions 1.0, 2.0 and 3.0; float16, bfloat16, float32, float64, uint8, int32 and int64, little-endian; C and Fortran
/// order. Throws InputError: file, field or offset, and what is wrong.
NpyArray read_npy(const std::string& path);
/// The same from bytes that the caller keeps alive; `name` stands for the path in errors.
NpyArray parse_npy(const void* bytes, std::size_t size, const std::string& name);

/// Version 1.0, C order, written atomically. Throws Error and leaves nothing partial.
void write_npy(const std::string& path, const ConstTensorView& array);

/// Writes a float32 [rows, columns] file piece by piece, so that encoding need not fit in memory. Nothing appears
/// at `path` before finish().
class NpyWriter {
 public:
  NpyWriter(const std::string& path, std::int64_t rows, std::int64_t columns);
  ~NpyWriter();
  NpyWriter(const NpyWriter&) = delete;
  NpyWriter& operator=(const NpyWriter&) = delete;
  void append(const float* values, std::int64_t rows);
  /// Throws ContractError unless exactly `rows` rows were appended; Error if the disk is full.
  void finish();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace lacuna
