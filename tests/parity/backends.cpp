#include "parity/backends.h"

namespace lacuna::test {

std::vector<BackendFactory> fp32_backends() {
  std::vector<BackendFactory> list = parity_backends();
  std::erase_if(list, [](const BackendFactory& backend) { return backend.precision != Precision::fp32; });
  return list;
}

std::vector<BackendFactory> reduced_backends() {
  std::vector<BackendFactory> list = parity_backends();
  std::erase_if(list, [](const BackendFactory& backend) { return backend.precision == Precision::fp32; });
  return list;
}

std::vector<BackendFactory> full_size_backends() {
  constexpr std::int64_t kSlowest = 8;
  std::vector<BackendFactory> list = parity_backends();
  std::erase_if(list, [](const BackendFactory& backend) { return backend.slower > kSlowest; });
  return list;
}

}  // namespace lacuna::test
