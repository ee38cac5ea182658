#include "data/gzip.h"
#include "fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  constexpr std::size_t kMostBytes = std::size_t{1} << 16;
  return lacuna::fuzz::check([&] {
    if (lacuna::data::inflate_gzip(bytes, size, "input", kMostBytes).size() > kMostBytes) std::abort();
  });
}
