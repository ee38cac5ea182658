#pragma once

#include <cstddef>
#include <memory>
#include <string>

namespace lacuna::data {

/// SHA-256 of bytes that come in pieces.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;
  void update(const void* bytes, std::size_t size);
  /// The digest in lower-case hexadecimal. Nothing may be added afterwards.
  std::string hexadecimal();

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

}  // namespace lacuna::data
