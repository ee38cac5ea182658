#include <fmt/format.h>

#include <charconv>

#include "core/cuda_entry.h"
#include "core/words.h"
#include "lacuna/backend.h"
#include "lacuna/error.h"

namespace lacuna {

std::unique_ptr<Backend> make_backend(const std::string& device, int threads) {
  if (device == "cpu") return make_cpu_backend(threads);
  if (device == "auto") return cuda::list().devices.empty() ? make_cpu_backend(threads) : cuda::make_backend(0);
  if (device == "cuda") return cuda::make_backend(0);
  if (device.starts_with("cuda:")) {
    int index = -1;
    const char* end = device.data() + device.size();
    const auto [stopped, error] = std::from_chars(device.data() + 5, end, index);
    if (error == std::errc() && stopped == end && index >= 0) return cuda::make_backend(index);
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
