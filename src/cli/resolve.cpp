#include "cli/resolve.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "cli/config.h"
#include "cli/job.h"
#include "cli/output.h"
#include "core/memory.h"
#include "lacuna/error.h"

namespace lacuna::cli {

namespace {

const std::string kPrefix = "train.";

/// What a configuration says and has no meaning beside what the command line says: that of an earlier run may serve
/// for one with another optimizer, sparsity or network.
void erase_superseded(GivenValues& configured, const GivenValues& given, CommandBit command) {
  const auto erase = [&](auto&& names) {
    for (const char* name : names) configured.erase(name);
  };
  const auto says = [&](const char* name, std::string_view text) {
    const auto found = given.find(name);
    return found != given.end() && found->second.text == text;
  };
  using Names = std::initializer_list<const char*>;
  if (says("optimizer", to_string(OptimizerKind::lbfgs))) erase(kNotForLbfgs);
  if (given.contains("optimizer") && !says("optimizer", to_string(OptimizerKind::sgd)))
    erase(Names{"momentum", "nesterov"});
  if (given.contains("sparsity") && !says("sparsity", to_string(Sparsity::topk)))
    erase(Names{"k", "k-factor", "k-start", "k-anneal"});
  if (given.contains("hidden") && !given.contains("conv")) erase(Names{"conv"});
  if (given.contains("conv")) erase(Names{"hidden"});
  if (given.contains("model") && command == kFinetune) erase(Names{"hidden", "activation"});
}

}  // namespace

GivenValues given_values(const Invocation& invocation, CommandBit command, std::vector<GivenList>* grid) {
  GivenValues given;
  if (invocation.has("config")) {
    given = read_config(invocation.get("config"), grid);
    erase_superseded(given, invocation.settings, command);
  }
  for (const auto& [name, value] : invocation.settings) given[name] = value;
  std::erase_if(given, [&](const auto& item) { return (find_setting(item.first)->commands & command) == 0; });
  return given;
}

std::map<std::string, std::string> metadata_of(const Settings& settings) {
  std::map<std::string, std::string> metadata;
  for (const Setting& setting : all_settings()) {
    const std::string_view group = setting.group;
    if (is_recorded(setting, settings) && group != "Machine" && group != "Run")
      metadata[kPrefix + setting.name] = setting.show(settings);
  }
  return metadata;
}

Settings settings_for_model(const Model& model, const std::string& model_path, const GivenValues& given) {
  GivenValues remembered;
  for (const auto& [key, text] : model.metadata) {
    if (!key.starts_with(kPrefix)) continue;
    const std::string name = key.substr(kPrefix.size());
    if (find_setting(name) != nullptr) remembered[name] = {text, fmt::format("{}: metadata {}", model_path, key)};
  }
  remembered.erase("init");  // a file that need not be there any more
  if (const auto data = given.find("data"); data != given.end()) {
    for (const char* name : {"data", "split", "limit", "seed", "classes", "labels", "draw-labels"})
      remembered.erase(name);
    // How its samples are prepared belongs to the model, but only images can be.
    if (!data->second.text.starts_with("images:"))
      for (const char* name : {"resize", "color"}) remembered.erase(name);
  }
  if (given.contains("split"))
    for (const char* name : {"limit", "labels"}) remembered.erase(name);
  // Among other samples there may not be so many with labels.
  if (given.contains("limit") || given.contains("classes")) remembered.erase("labels");
  Settings settings;
  apply_values(settings, remembered);
  apply_values(settings, given);
  return settings;
}

std::unique_ptr<Backend> open_backend(const Settings& settings) {
  return make_backend(settings.device, settings.backend);
}

DataOptions data_options_for(const Settings& settings, const Backend* backend) {
  double memory = core::physical_memory_bytes();
  const std::int64_t own = backend ? backend->memory_bytes() : 0;
  if (own > 0) memory = std::min(memory, static_cast<double>(own));
  DataOptions options = settings.data_options;
  options.stream_above = static_cast<std::int64_t>(memory / 2);
  return options;
}

Dataset open_data(const Settings& settings, const Backend* backend) {
  Dataset data = open_dataset(settings.data, data_options_for(settings, backend));
  for (const std::string& remark : data.remarks()) tell("remark   " + remark);
  data = choose_samples(settings, std::move(data), nullptr);
  require_trainable(data, settings.objective.loss == Loss::bce);
  return data;
}

Network autoencoder_of(const Settings& settings, const Dataset& data) {
  Network network;
  if (settings.convolutions.empty()) {
    network = Network::autoencoder(data.features(), settings.hidden, settings.activation, settings.output_activation);
  } else {
    Shape extents = data.sample_shape();
    if (extents.rank() == 2) extents = {1, extents[0], extents[1]};
    if (extents.rank() != 3)
      throw InputError(
          fmt::format("--conv needs samples of [height, width] or [channels, height, width], but {} has {}",
                      data.name(), to_string(data.sample_shape())));
    std::vector<Convolution> encoder;
    for (const std::string& text : settings.convolutions) {
      const Convolution& c = encoder.emplace_back(parse_convolution(text, extents));
      extents = {c.channels_out, c.height_out(), c.width_out()};
    }
    network = Network::convolutional(encoder, settings.activation, settings.output_activation);
  }
  network.tied = settings.tied;
  if (settings.objective.sparsity == Sparsity::topk) {
    Layer& code = network.encoder.back();
    code.kept = settings.k;
    const double kept = std::ceil(settings.k_factor * static_cast<double>(settings.k));
    code.kept_in_evaluation =
        std::max(settings.k, static_cast<std::int64_t>(std::min(kept, static_cast<double>(code.outputs))));
  }
  network.validate();
  return network;
}

TrainerOptions trainer_options(const Settings& settings, std::int64_t samples) {
  const std::int64_t batch = std::min(settings.batch, samples), epoch = (samples + batch - 1) / batch;
  const auto steps = [epoch](double epochs) { return std::llround(epochs * static_cast<double>(epoch)); };
  TrainerOptions options;
  options.objective = settings.objective;
  options.optimizer = settings.optimizer;
  options.optimizer.schedule.warmup = steps(settings.warmup);
  options.optimizer.schedule.every = std::max<std::int64_t>(1, steps(settings.lr_every));
  options.optimizer.schedule.total = std::max<std::int64_t>(1, settings.epochs * epoch);
  options.batch = settings.batch;
  options.shuffle = settings.shuffle;
  options.seed = settings.seed;
  options.noise = settings.noise;
  options.dropout = settings.dropout;
  options.kept_at_start = settings.k_start;
  options.anneal_steps = settings.k_anneal * epoch;
  return options;
}

}  // namespace lacuna::cli
