#pragma once

#include <cstdint>
#include <vector>

#include "runtime/memory.h"

namespace lacuna::bench {

/// Pieces of device memory, handed out in order and filled with values that repeat. Without memory it only counts what
/// would be needed.
class Operands {
 public:
  Operands() = default;
  Operands(std::byte* memory, bool fill) : memory_(memory), fill_(fill) {}

  float* unit(std::int64_t count);          ///< uniform on [0, 1)
  float* around_zero(std::int64_t count);   ///< uniform on [-1, 1)
  std::uint8_t* bytes(std::int64_t count);  ///< uniform on 0 .. 255
  /// `values` over and over.
  template <class T>
  T* repeat(std::int64_t count, const std::vector<T>& values) {
    return reinterpret_cast<T*>(take(count * static_cast<std::int64_t>(sizeof(T)), values.data(),
                                     static_cast<std::int64_t>(values.size() * sizeof(T))));
  }
  template <class T>
  T* one(const T& value) {
    return repeat(1, std::vector<T>{value});
  }

  std::int64_t taken() const { return taken_; }

 private:
  std::byte* take(std::int64_t count, const void* pattern, std::int64_t pattern_bytes);

  std::byte* memory_ = nullptr;
  bool fill_ = false;
  std::int64_t taken_ = 0;
};

}  // namespace lacuna::bench
