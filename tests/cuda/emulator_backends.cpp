#include "cuda/emulator.h"
#include "cuda/engines.h"
#include "parity/backends.h"

namespace lacuna::test {

/// The CUDA backend on the emulator. The random schedule here; schedules_test.cpp holds the others against each other.
std::vector<BackendFactory> parity_backends() {
  const auto make = [](Precision precision) {
    return [precision] {
      simt::set_machine(kSmall);
      simt::set_schedule({simt::Schedule::Order::random, 1});
      return make_backend("cuda", {.precision = precision, .engine = Engine::graph});
    };
  };
  constexpr std::int64_t kSlower = 8, kMuchSlower = 64;
  return {{"emulator", make(Precision::fp32), kSlower},
          {"emulator_tf32", make(Precision::tf32), kMuchSlower, Precision::tf32},
          {"emulator_bf16", make(Precision::bf16), kMuchSlower, Precision::bf16}};
}

std::unique_ptr<Backend> backend_with(Engine engine, Precision precision) {
  simt::set_machine(kSmall);
  simt::set_schedule({simt::Schedule::Order::random, 1});
  return make_backend("cuda", {.precision = precision, .engine = engine});
}

bool on_a_device() {
  return false;
}

}  // namespace lacuna::test
