#include "train/memory.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/kept_share.h"
#include "core/memory.h"
#include "lacuna/error.h"

namespace lacuna {

namespace {

std::string readable_bytes(double bytes) {
  constexpr double kGiB = 1024.0 * 1024.0 * 1024.0;
  return bytes >= kGiB ? fmt::format("{:.1f} GiB", bytes / kGiB) : fmt::format("{:.0f} MiB", bytes / 1048576.0);
}

/// Calls f for every layer.
template <class F>
void for_layers(const Network& network, const F& f) {
  for (const auto* layers : {&network.encoder, &network.decoder})
    for (const Layer& layer : *layers) f(layer);
  if (network.classifier) f(*network.classifier);
}

double parameter_count(const Network& network) {
  double parameters = 0;
  for_layers(network, [&](const Layer& layer) {
    const Shape weight = layer.weight_shape();
    double elements = 1;
    for (std::int64_t extent : weight) elements *= static_cast<double>(extent);
    parameters += elements + static_cast<double>(layer.channels());
  });
  return parameters;
}

double weights(const Layer& layer) {
  return static_cast<double>(layer.inputs) * static_cast<double>(layer.outputs);
}

/// Floats of a batch for each sample: the input, and of each layer the output and its gradient.
double activation_count(const Network& network, const TrainerOptions& options) {
  const auto features = static_cast<double>(network.features());
  double activations = options.noise.amount > 0 ? 2.0 * features : features;
  const Layer& last = network.classifier ? *network.classifier : network.output_layer();
  for_layers(network, [&](const Layer& layer) {
    const bool dropped = options.dropout > 0 && &layer != &last;
    activations += (dropped ? 3.0 : 2.0) * static_cast<double>(layer.outputs);
  });
  return activations;
}

/// Floats of the weight gradients that each plan forms transposed: those of tall dense layers (cpu/compile_layers.cpp).
double turned_count(const Network& network) {
  double turned = 0;
  for_layers(network, [&](const Layer& layer) {
    const bool tall = !layer.convolution && layer.outputs >= 3 * layer.inputs;
    if (tall && !network.tied) turned += weights(layer);
  });
  return turned;
}

/// Bytes of the kept units of a top-k code, by samples and by units, 16 for each that there is room for, and of the
/// weight that meets them and its gradient, transposed: where few enough are kept (cpu/kept_code.cpp).
double kept_bytes(const Network& network, const TrainerOptions& options, double rows, double plans) {
  if (network.encoder.empty() || network.code_layer().kept == 0 || network.code_layer().convolution) return 0;
  const Layer& code = network.code_layer();
  const std::int64_t limit = code.outputs / cpu::units_to_one_kept();
  if (code.kept > limit) return 0;
  const auto most = static_cast<double>(std::min(limit, std::max(code.kept, options.kept_at_start)));
  const bool turned = !network.tied && !network.decoder.empty();
  return 16.0 * rows * most + (turned ? 8.0 * plans * weights(network.decoder.front()) : 0.0);
}

}  // namespace

double training_bytes(const Network& network, const Optimizer& optimizer, std::int64_t batch, std::int64_t samples) {
  TrainerOptions options;
  options.optimizer = optimizer;
  options.batch = batch;
  return training_bytes(network, options, samples);
}

double training_bytes(const Network& network, const TrainerOptions& options, std::int64_t samples) {
  const Optimizer& optimizer = options.optimizer;
  const bool full_batch = optimizer.kind == OptimizerKind::lbfgs;
  const std::int64_t full = full_batch ? samples : std::min(options.batch, samples);
  const auto rows = static_cast<double>(full + samples % full);
  const double plans = samples % full > 0 ? 2.0 : 1.0;
  const double parameters = parameter_count(network);
  // A line search has its start, the gradient there and its direction; one more pair is being formed.
  const double line_search = full_batch ? 5.0 : 0.0;
  const double on_device = 2.0 + optimizer.moments() + line_search, on_host = 1.0 + optimizer.moments();
  // The nonzero values of a batch and where they are: five bytes for each value that could be one.
  const Layer& first = network.encoder.empty() ? *network.classifier : network.encoder.front();
  const bool sparse = options.noise.amount == 0 && !first.convolution;
  const double compressed = sparse ? 5.0 * static_cast<double>(network.features()) * rows : 0.0;
  const double activations = activation_count(network, options) * rows, turned = turned_count(network) * plans;
  return 4.0 * (parameters * (on_device + on_host) + activations + turned) + compressed +
         kept_bytes(network, options, rows, plans);
}

double host_bytes(const Network& network, const Optimizer& optimizer) {
  return 4.0 * parameter_count(network) * (2.0 + optimizer.moments());
}

void require_memory(double training_bytes, std::int64_t data_bytes) {
  const double needed = training_bytes + static_cast<double>(data_bytes);
  const double available = core::physical_memory_bytes();
  if (needed <= available) return;
  throw InputError(
      fmt::format("this network and batch need about {} of memory, but this machine has {}; use fewer "
                  "hidden units or a smaller batch (lbfgs: fewer samples, --limit)",
                  readable_bytes(needed), readable_bytes(available)));
}

}  // namespace lacuna
