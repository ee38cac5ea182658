#include "core/cuda_entry.h"
#include "lacuna/error.h"

namespace lacuna::cuda {

namespace {
constexpr const char* kWhy = "this build of lacuna has no CUDA backend";
}

DeviceList list() {
  return {{}, {std::string("cuda: ") + kWhy}};
}

std::unique_ptr<Backend> make_backend(int, const BackendOptions&) {
  throw InputError(std::string("--device cuda: ") + kWhy + "; build the preset cuda, or use --device cpu");
}

}  // namespace lacuna::cuda
