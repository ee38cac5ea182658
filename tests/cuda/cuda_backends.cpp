#include "cuda/engines.h"
#include "parity/backends.h"

namespace lacuna::test {

/// A real device. Where there is none, making the backend throws, and the tests that were asked for fail.
std::vector<BackendFactory> parity_backends() {
  const auto make = [](Precision precision) {
    return [precision] { return make_backend("cuda", {.precision = precision, .engine = Engine::graph}); };
  };
  return {{"cuda", make(Precision::fp32)},
          {"cuda_tf32", make(Precision::tf32), 8, Precision::tf32},
          {"cuda_bf16", make(Precision::bf16), 8, Precision::bf16}};
}

std::unique_ptr<Backend> backend_with(Engine engine, Precision precision) {
  return make_backend("cuda", {.precision = precision, .engine = engine});
}

bool on_a_device() {
  return true;
}

}  // namespace lacuna::test
