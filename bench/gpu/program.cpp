#include "gpu/program.h"

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <string_view>

#include "core/cuda_entry.h"
#include "devices.h"
#include "lacuna/error.h"

namespace lacuna::bench {

namespace {

constexpr std::string_view kDeviceOption = "--device=";

int parse_index(std::string_view text) {
  int index = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), index);
  if (error != std::errc() || end != text.data() + text.size() || index < 0)
    throw InputError(fmt::format("--device={}: the number of a GPU is wanted, counted from 0", text));
  return index;
}

/// Index of the device asked for; its option is taken out of the arguments.
int take_device(int& argc, char** argv) {
  int index = 0;
  const auto is_device = [&](const char* argument) {
    const std::string_view text = argument;
    if (!text.starts_with(kDeviceOption)) return false;
    index = parse_index(text.substr(kDeviceOption.size()));
    return true;
  };
  argc = static_cast<int>(std::remove_if(argv + 1, argv + argc, is_device) - argv);
  return index;
}

void use(int index) {
  const DeviceList found = cuda::list();
  if (found.devices.empty()) throw InputError(fmt::format("no GPU to measure: {}", found.missing.front()));
  const auto count = static_cast<int>(found.devices.size());
  if (index >= count)
    throw InputError(fmt::format("--device={}: there {} only {} GPU{}, counted from 0", index,
                                 count == 1 ? "is" : "are", count, count == 1 ? "" : "s"));
  cuda::use_device(index);
}

void describe(int index) {
  const DeviceDescription device = cuda::describe_device(index);
  benchmark::AddCustomContext("device", device.name);
  for (const auto& [key, value] : device.properties) benchmark::AddCustomContext(key, value);
}

}  // namespace

int run_on_gpu(int argc, char** argv, const std::function<void(int device)>& add) try {
  const int index = take_device(argc, argv);
  use(index);
  describe(index);
  add(index);
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
} catch (const InputError& error) {
  fmt::print(stderr, "{}: {}\n", argv[0], error.what());
  return 2;
} catch (const std::exception& error) {
  fmt::print(stderr, "{}: {}\n", argv[0], error.what());
  return 1;
}

}  // namespace lacuna::bench
