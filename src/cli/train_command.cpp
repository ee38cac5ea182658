#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/config.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/resolve.h"
#include "cli/stop.h"
#include "io/atomic_file.h"
#include "lacuna/error.h"
#include "lacuna/trainer.h"
#include "train/memory.h"
#include "train/pictures.h"
#include "train/run.h"
#include "train/run_directory.h"

namespace lacuna::cli {

namespace {

bool may_differ_on_resume(std::string_view name) {
  return name == "epochs" || name == "device" || name == "threads";
}

/// The settings of the run that is there, and on top of them what may differ.
Settings resumed_settings(const RunDirectory& directory, const GivenValues& given) {
  Settings recorded;
  apply_values(recorded, read_config(directory.config()));
  Settings settings = recorded;
  apply_values(settings, given);
  for (const Setting& setting : all_settings()) {
    const std::string before = setting.show(recorded), now = setting.show(settings);
    if (before == now || !setting.recorded || may_differ_on_resume(setting.name)) continue;
    throw InputError(
        fmt::format("cannot resume with another {}: {} says {}, {} has {}; only epochs, device and "
                    "threads may differ",
                    setting.name, given.at(setting.name).where, now, directory.config(), before));
  }
  return settings;
}

bool file_exists(const std::string& path) {
  return ::access(path.c_str(), F_OK) == 0;
}

Settings train_settings(const Invocation& invocation) {
  const GivenValues given = given_values(invocation, kTrain);
  Settings settings;
  apply_values(settings, given);
  if (settings.out.empty()) throw InputError("train needs a directory for its results: --out RUN_DIR");
  if (settings.force && settings.resume) throw InputError("--force and --resume exclude each other");
  const RunDirectory directory(settings.out);
  if (!directory.exists()) return settings;
  if (!settings.resume) {
    if (settings.force) return settings;
    throw InputError(
        fmt::format("{} exists; go on with its run (--resume), replace it (--force) or choose another "
                    "--out",
                    directory.path()));
  }
  if (file_exists(directory.config())) return resumed_settings(directory, given);
  if (!directory.checkpoints().empty())
    throw InputError(fmt::format("cannot resume: {} is missing beside its checkpoints", directory.config()));
  if (file_exists(directory.model()))
    throw InputError(
        fmt::format("cannot resume: {} holds a model but no {}: it is not a run's directory; choose "
                    "another --out",
                    directory.path(), directory.config()));
  return settings;
}

void check_combinations(const Settings& settings, const GivenValues& given) {
  if (settings.objective.sparsity != Sparsity::topk && given.contains("k"))
    throw InputError("k is for sparsity topk, which is not built yet");
  if (settings.optimizer.kind == OptimizerKind::adam &&
      (settings.optimizer.momentum > 0 || settings.optimizer.nesterov))
    throw InputError("momentum and nesterov are for --optimizer sgd; adam keeps moments of its own");
  settings.optimizer.validate();
  if (settings.objective.sparsity == Sparsity::topk)
    throw InputError("sparsity topk is not built yet; use kl, l1 or none");
}

Model initial_model(const Settings& settings, const Backend& backend, const Dataset& data) {
  const Network network =
      Network::autoencoder(data.features(), settings.hidden, settings.activation, settings.output_activation);
  settings.objective.validate(network);
  const bool here = backend.describe().kind == "cpu";
  require_memory(here ? training_bytes(network, settings.optimizer, settings.batch, data.rows())
                      : host_bytes(network, settings.optimizer),
                 data.bytes());
  Model model(network);
  if (is_init_file(settings.init)) {
    // A checkpoint to go on from replaces these parameters, and the file need not be there any more.
    const bool restored = settings.resume && !RunDirectory(settings.out).checkpoints().empty();
    if (!restored) load_parameters(model, settings.init);
  } else {
    initialize(model, parse_init(settings.init), settings.seed);
  }
  model.sample_shape = data.sample_shape();
  model.metadata = metadata_of(settings);
  model.metadata[kSamplesKey] = std::to_string(data.rows());
  return model;
}

std::string network_text(const Network& network) {
  std::string text = std::to_string(network.features());
  for (const auto* layers : {&network.encoder, &network.decoder})
    for (const Layer& layer : *layers) text += fmt::format("-{}", layer.outputs);
  return fmt::format("{}, {} code, {} output", text, to_string(network.code_layer().activation),
                     to_string(network.output_layer().activation));
}

void tell_header(const Settings& settings, Backend& backend, const Dataset& data, const Model& model) {
  const DeviceDescription device = backend.describe();
  std::string properties;
  for (const auto& [name, value] : device.properties) properties += fmt::format(", {} {}", name, value);
  std::int64_t parameters = 0;
  for (const Parameter& parameter : model.layout.parameters()) parameters += parameter.elements();
  tell(fmt::format("device   {}: {}{}, {}", device.kind, device.name, properties, to_string(settings.precision)));
  tell(fmt::format("data     {}: {} samples of {}, {}", data.name(), data.rows(), to_string(data.sample_shape()),
                   to_string(data.dtype())));
  tell(fmt::format("network  {}; {} parameters", network_text(model.network), parameters));
}

/// Restores what there is to go on from, or clears the directory for a run from the start.
void begin(Trainer& trainer, const RunDirectory& directory, std::int64_t samples, bool resume) {
  if (resume) {
    const auto restored =
        restore_newest(trainer, directory, samples, [](const std::string& line) { tell("warning: " + line); });
    const StepState at = trainer.position();
    if (restored) {
      tell(fmt::format("resume   {}: {} epochs and {} steps done", *restored, at.epoch, at.step));
      return;
    }
    if (!directory.checkpoints().empty())
      throw InputError(fmt::format("cannot resume: none of the checkpoints in {} can be used; --force starts over",
                                   directory.path()));
    tell(fmt::format("resume   {} holds no checkpoint to go on from: starting afresh", directory.path()));
  }
  directory.clear();
}

nlohmann::ordered_json summary(const RunDirectory& directory, const RunOutcome& outcome, const char* status,
                               const std::vector<std::string>& pictures) {
  nlohmann::ordered_json json;
  json["run"] = directory.path();
  json["status"] = status;
  json["epochs"] = outcome.position.epoch;
  json["steps"] = outcome.position.step;
  if (outcome.last_epoch) {
    const EpochMetrics& m = *outcome.last_epoch;
    json["loss"] = m.loss;
    json["reconstruction"] = m.reconstruction;
    json["sparsity"] = m.sparsity;
    json["weight_decay"] = m.weight_decay;
    json["mean_activation"] = m.mean_activation;
    json["samples_per_second"] = m.samples_per_second;
  }
  json["seconds"] = outcome.seconds;
  json["model"] = directory.model();
  json["pictures"] = pictures;
  return json;
}

}  // namespace

int train_command(const Invocation& invocation) {
  const Settings settings = train_settings(invocation);
  require_recordable(settings);
  check_combinations(settings, given_values(invocation, kTrain));
  const auto backend = open_backend(settings);
  const Dataset data = open_data(settings);
  Model model = initial_model(settings, *backend, data);
  tell_header(settings, *backend, data, model);
  Trainer trainer(*backend, std::move(model), data,
                  {settings.objective, settings.optimizer, settings.batch, settings.shuffle, settings.seed});
  for (const std::string& remark : trainer.remarks()) tell("choice   " + remark);

  RunDirectory directory(settings.out);
  directory.open();
  try {
    begin(trainer, directory, data.rows(), settings.resume);
    io::write_text_file(directory.config(), config_text(settings));
  } catch (...) {
    directory.discard_if_empty();
    throw;
  }
  const bool complete = settings.resume && trainer.position().epoch >= settings.epochs && settings.epochs > 0;
  const StopOnSignal stop;
  RunOutcome outcome;
  {
    Progress progress;
    outcome = run_training(trainer, directory,
                           {settings.epochs, data.rows(), settings.checkpoint_every, settings.keep_checkpoints},
                           progress, stop.flag());
  }
  if (complete) tell(fmt::format("{} is already complete: {} epochs done", directory.path(), outcome.position.epoch));
  const Model trained = trainer.model();
  save_model(directory.model(), trained);
  const auto pictures = write_pictures(directory.path(), *backend, trained, data);
  if (outcome.interrupted)
    tell(fmt::format("interrupted at step {} and saved; go on with: lacuna train --resume --out {}",
                     outcome.position.step, directory.path()));
  const char* status = outcome.interrupted ? "interrupted" : complete ? "already complete" : "complete";
  print_line(
      summary(directory, outcome, status, pictures).dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
  return outcome.interrupted ? stop.exit_status() : 0;
}

}  // namespace lacuna::cli
