#include "fuzz.h"
#include "lacuna/safetensors.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  return lacuna::fuzz::check([&] {
    const auto file = lacuna::SafetensorsFile::parse(bytes, size, "input");
    for (const lacuna::NamedTensor& tensor : file.tensors()) {
      lacuna::fuzz::touch(tensor.view);
      if (file.find(tensor.name) != &tensor) std::abort();
    }
  });
}
