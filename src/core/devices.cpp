#include <fmt/format.h>

#include <charconv>

#include "core/cuda_entry.h"
#include "core/words.h"
#include "cpu/cpu_executable.h"
#include "lacuna/backend.h"
#include "lacuna/error.h"

namespace lacuna {

namespace {

constexpr words::Table<Precision, 3> kPrecisions{
    {{Precision::fp32, "fp32"}, {Precision::tf32, "tf32"}, {Precision::bf16, "bf16"}}};
constexpr words::Table<Engine, 3> kEngines{
    {{Engine::automatic, "auto"}, {Engine::graph, "graph"}, {Engine::resident, "resident"}}};

std::unique_ptr<Backend> make_cpu(const BackendOptions& options) {
  if (options.engine != Engine::automatic)
    throw InputError(fmt::format("--engine {} is for GPUs; the device is cpu, which has one engine: leave it at auto",
                                 to_string(options.engine)));
  return cpu::make_backend(options);
}

}  // namespace

const char* to_string(Precision precision) {
  return words::word_of(kPrecisions, precision);
}
const char* to_string(Engine engine) {
  return words::word_of(kEngines, engine);
}
Precision parse_precision(std::string_view word) {
  return words::parse(kPrecisions, "precision", word);
}
Engine parse_engine(std::string_view word) {
  return words::parse(kEngines, "engine", word);
}

std::unique_ptr<Backend> make_backend(const std::string& device, const BackendOptions& options) {
  if (device == "cpu") return make_cpu(options);
  if (device == "auto") return cuda::list().devices.empty() ? make_cpu(options) : cuda::make_backend(0, options);
  if (device == "cuda") return cuda::make_backend(0, options);
  if (device.starts_with("cuda:")) {
    int index = -1;
    const char* end = device.data() + device.size();
    const auto [stopped, error] = std::from_chars(device.data() + 5, end, index);
    if (error == std::errc() && stopped == end && index >= 0) return cuda::make_backend(index, options);
    throw InputError(fmt::format("device \"{}\": after \"cuda:\" comes the index of a device, 0 or more", device));
  }
  constexpr std::string_view known[] = {"auto", "cpu", "cuda"};
  throw InputError(fmt::format("unknown device \"{}\"{}; known: auto, cpu, cuda, cuda:N", device,
                               words::did_you_mean(device, known)));
}

DeviceList list_devices() {
  DeviceList all = cuda::list();
  all.devices.insert(all.devices.begin(), make_cpu_backend()->describe());
  return all;
}

}  // namespace lacuna
