#include "device/launch.h"
#include "parity/backends.h"

namespace lacuna::test {

/// The CUDA backend on the emulator. The random schedule here; schedules_test.cpp holds the others against each other.
std::vector<BackendFactory> parity_backends() {
  return {{"emulator", [] {
             simt::set_schedule({simt::Schedule::Order::random, 1});
             return make_backend("cuda");
           }}};
}

}  // namespace lacuna::test
