// Linked into the program where the CUDA backend runs on the emulator: the machine that it finds. Few multiprocessors,
// for the time that blocks take there; the environment says how much memory the device has, which engine is the faster
// one, and which algorithm of products: the emulator's clock says nothing about that.

#include <cstdlib>
#include <string>
#include <string_view>

#include "engine_choice.h"
#include "product_choice.h"
#include "runtime/control.h"

namespace {

[[maybe_unused]] const bool machine_is_set = [] {
  simt::Machine machine{.multiprocessors = 2};
  if (const char* mebibytes = std::getenv("SIMT_DEVICE_MEBIBYTES"))
    machine.device_memory = std::strtoull(mebibytes, nullptr, 10) << 20;
  simt::set_machine(machine);
  const char* faster = std::getenv("SIMT_FASTER_ENGINE");
  lacuna::cuda::set_step_meter(
      [resident = faster && std::string_view(faster) == "resident"](lacuna::Engine engine, const auto&) {
        return (engine == lacuna::Engine::resident) == resident ? 1e-6 : 2e-6;
      });
  const char* algorithm = std::getenv("SIMT_FASTER_ALGORITHM");
  lacuna::cuda::set_product_meter(
      [faster = std::string(algorithm ? algorithm : "default")](const auto&, const std::string& asked, const auto&) {
        return asked == faster ? 1e-6 : 2e-6;
      });
  return true;
}();

}  // namespace
