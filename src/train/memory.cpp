#include "train/memory.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>

#include "lacuna/error.h"

namespace lacuna {

namespace {

std::string readable_bytes(double bytes) {
  constexpr double kGiB = 1024.0 * 1024.0 * 1024.0;
  return bytes >= kGiB ? fmt::format("{:.1f} GiB", bytes / kGiB) : fmt::format("{:.0f} MiB", bytes / 1048576.0);
}

double parameter_count(const Network& network) {
  double parameters = 0;
  for (const auto* layers : {&network.encoder, &network.decoder})
    for (const Layer& layer : *layers)
      parameters += static_cast<double>(layer.outputs) * (static_cast<double>(layer.inputs) + 1.0);
  return parameters;
}

}  // namespace

double training_bytes(const Network& network, const Optimizer& optimizer, std::int64_t batch, std::int64_t samples) {
  const std::int64_t full = std::min(batch, samples);
  const auto rows = static_cast<double>(full + samples % full);
  const double parameters = parameter_count(network);
  double activations = static_cast<double>(network.features());
  for (const auto* layers : {&network.encoder, &network.decoder})
    for (const Layer& layer : *layers) activations += 2.0 * static_cast<double>(layer.outputs);
  const double on_device = 2.0 + optimizer.moments(), on_host = 1.0 + optimizer.moments();
  // The nonzero values of a batch and where they are: five bytes for each value that could be one.
  const double compressed = 5.0 * static_cast<double>(network.features()) * rows;
  return 4.0 * (parameters * (on_device + on_host) + activations * rows) + compressed;
}

double physical_memory_bytes() {
  const double physical = static_cast<double>(::sysconf(_SC_PHYS_PAGES)) * static_cast<double>(::sysconf(_SC_PAGESIZE));
  double limit = 0;
  std::ifstream group("/sys/fs/cgroup/memory.max");  // "max" where there is no limit
  return group >> limit && limit > 0 ? std::min(physical, limit) : physical;
}

double host_bytes(const Network& network, const Optimizer& optimizer) {
  return 4.0 * parameter_count(network) * (2.0 + optimizer.moments());
}

void require_memory(double training_bytes, std::int64_t data_bytes) {
  const double needed = training_bytes + static_cast<double>(data_bytes);
  const double available = physical_memory_bytes();
  if (needed <= available) return;
  throw InputError(
      fmt::format("this network and batch need about {} of memory, but this machine has {}; use fewer "
                  "hidden units or a smaller batch",
                  readable_bytes(needed), readable_bytes(available)));
}

}  // namespace lacuna
