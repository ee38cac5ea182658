#include "fuzz.h"
#include "lacuna/npy.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  return lacuna::fuzz::check([&] { lacuna::fuzz::touch(lacuna::parse_npy(bytes, size, "input").view); });
}
