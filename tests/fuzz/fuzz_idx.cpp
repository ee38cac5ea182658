#include "data/idx.h"
#include "fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  return lacuna::fuzz::check([&] {
    const auto array = lacuna::data::parse_idx(bytes, size, "input");
    lacuna::fuzz::touch({array.values.get(), array.dtype, array.shape});
  });
}
