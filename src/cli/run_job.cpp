#include "cli/run_job.h"

#include <fmt/format.h>

#include <algorithm>

#include "cli/config.h"
#include "cli/job_settings.h"
#include "cli/output.h"
#include "cli/profiling.h"
#include "data/info.h"
#include "io/atomic_file.h"
#include "lacuna/error.h"
#include "report/loss_chart.h"
#include "train/classification.h"
#include "train/observers.h"
#include "train/pictures.h"
#include "train/run.h"
#include "train/run_directory.h"
#include "train/tensorboard.h"
#include "train/units.h"

namespace lacuna::cli {

namespace {

/// The checkpoints of L-BFGS hold its history, twenty times the parameters: not one for each iteration.
std::int64_t epochs_between_checkpoints(const Settings& settings) {
  if (settings.optimizer.kind != OptimizerKind::lbfgs) return 1;
  constexpr std::int64_t kUsual = 10;
  return settings.checkpoint_every > 0 ? settings.checkpoint_every : kUsual;
}

std::string network_text(const Network& network) {
  std::string text = std::to_string(network.features());
  for (const auto* layers : {&network.encoder, &network.decoder})
    for (const Layer& layer : *layers) text += fmt::format("-{}", layer.outputs);
  if (network.classifier) text += fmt::format("-{}", network.classes());
  if (!network.encoder.empty()) {
    const Layer& code = network.code_layer();
    text += fmt::format(", {} code", to_string(code.activation));
    if (code.kept > 0) text += fmt::format(" of the {} largest ({} in evaluation)", code.kept, code.kept_in_evaluation);
  }
  return text +
         (network.classifier ? ", softmax" : fmt::format(", {} output", to_string(network.output_layer().activation)));
}

void tell_header(const Settings& settings, const Backend& backend, const Job& job) {
  const Dataset& data = job.data.train;
  const Model& model = job.model;
  std::int64_t parameters = 0;
  for (const Parameter& parameter : model.layout.parameters()) parameters += parameter.elements();
  tell(device_text(settings, backend));
  tell(data_text(data));
  tell(fmt::format("network  {}; {} parameters", network_text(model.network), parameters));
  if (const std::string text = why_no_tiles(job.pictures); !text.empty()) tell("note     " + text);
}

/// restore_newest; whatever does not fit, the error names the checkpoint.
std::optional<std::string> restore(Trainer& trainer, const RunDirectory& directory, std::int64_t samples,
                                   Console& console) {
  std::vector<CheckpointFile> files = directory.checkpoints();
  try {
    return restore_newest(trainer, directory, samples, [&](const std::string& line) {
      console.say("warning: " + line);
      files.pop_back();
    });
  } catch (const InputError& error) {
    if (files.empty() || std::string_view(error.what()).find(files.back().path) != std::string_view::npos) throw;
    throw InputError(fmt::format("cannot resume from {}: {}", files.back().path, error.what()));
  }
}

/// Restores what there is to go on from, or clears the directory for a run from the start.
void begin(Trainer& trainer, const RunDirectory& directory, std::int64_t samples, bool resume, Console& console) {
  if (resume) {
    const auto restored = restore(trainer, directory, samples, console);
    const StepState at = trainer.position();
    if (restored) {
      console.say(fmt::format("resume   {}: {} epochs and {} steps done", *restored, at.epoch, at.step));
      return;
    }
    if (!directory.checkpoints().empty())
      throw InputError(fmt::format("cannot resume: none of the checkpoints in {} can be used; --force starts over",
                                   directory.path()));
    console.say(fmt::format("resume   {} holds no checkpoint to go on from: starting afresh", directory.path()));
  }
  directory.clear();
}

/// Looks at what is held out and at the test set, at the end of each epoch that asks for it.
Judge make_judge(const Settings& settings, Backend& backend, const JobData& data) {
  struct Evaluators {
    std::unique_ptr<Evaluator> validation, test;
  };
  const auto evaluators = std::make_shared<Evaluators>();
  const Dataset* validation = data.validation ? &*data.validation : nullptr;
  const Dataset* test = data.test && settings.test_every > 0 ? &*data.test : nullptr;
  if (!validation && !test) return {};
  const auto loss_on = [&backend, objective = settings.objective](std::unique_ptr<Evaluator>& evaluator,
                                                                  const Dataset& set, const Model& model) {
    if (evaluator)
      evaluator->update(model);
    else
      evaluator = std::make_unique<Evaluator>(backend, model, set);
    return evaluator->loss(objective);
  };
  return [=, every = settings.test_every](const Model& model, EpochMetrics& metrics) {
    const bool classifier = model.network.classifier.has_value();
    if (validation) {
      const StepLoss loss = loss_on(evaluators->validation, *validation, model);
      if (classifier)
        metrics.validation_accuracy = loss.correct / loss.samples;
      else
        metrics.validation_loss = loss.reconstruction;
    }
    if (test && metrics.epoch % every == 0) {
      const StepLoss loss = loss_on(evaluators->test, *test, model);
      metrics.test_accuracy = loss.correct / loss.samples;
    }
  };
}

const char* status_of(const RunOutcome& outcome, bool was_complete, bool converged) {
  if (outcome.interrupted) return "interrupted";
  if (was_complete) return "already complete";
  if (outcome.finished.empty()) return "complete";
  return converged ? "converged" : "stopped early";
}

nlohmann::ordered_json epoch_json(const EpochMetrics& m) {
  nlohmann::ordered_json json;
  json["loss"] = m.loss;
  json[m.training_error ? "cross_entropy" : "reconstruction"] = m.reconstruction;
  if (!m.training_error) json["sparsity"] = m.sparsity;
  json["weight_decay"] = m.weight_decay;
  if (!m.training_error) json["mean_activation"] = m.mean_activation;
  const auto add = [&json](const char* key, const std::optional<double>& value) {
    if (value) json[key] = *value;
  };
  add("training_error", m.training_error);
  add("validation_loss", m.validation_loss);
  add("validation_accuracy", m.validation_accuracy);
  json["samples_per_second"] = m.samples_per_second;
  return json;
}

nlohmann::ordered_json summary(const RunDirectory& directory, const RunOutcome& outcome, const char* status,
                               std::int64_t evaluations) {
  nlohmann::ordered_json json;
  json["run"] = directory.path();
  json["status"] = status;
  json["epochs"] = outcome.position.epoch;
  json["steps"] = outcome.position.step;
  if (evaluations > 0) json["evaluations"] = evaluations;
  if (outcome.best_epoch) json["best_epoch"] = outcome.best_epoch->epoch;
  if (const auto& shown = outcome.best_epoch ? outcome.best_epoch : outcome.last_epoch) json.update(epoch_json(*shown));
  json["seconds"] = outcome.seconds;
  json["training_seconds"] = outcome.training_seconds;
  json["model"] = directory.model();
  return json;
}

/// The test set's figures, and those of the samples left over, into evaluation.json and the summary.
void evaluate_classifier(Backend& backend, const Model& trained, const JobData& data, const RunDirectory& directory,
                         nlohmann::ordered_json& json) {
  std::optional<Classification> test, rest;
  if (data.test) test = lacuna::classify(backend, trained, *data.test);
  if (data.rest) rest = lacuna::classify(backend, trained, *data.rest);
  if (test)
    io::write_text_file(directory.evaluation(), evaluation_json(*test, rest));
  else if (rest)
    io::write_text_file(directory.evaluation(), evaluation_json(*rest, std::nullopt));
  if (test) {
    json["test_accuracy"] = test->accuracy();
    json["test_error"] = 1.0 - test->accuracy();
    json["test_cross_entropy"] = test->cross_entropy;
  }
  if (rest) json["rest_accuracy"] = rest->accuracy();
}

void write_unit_activity(const Settings& settings, Backend& backend, const Model& model, const Dataset& data) {
  std::optional<double> rho;
  if (settings.objective.sparsity == Sparsity::kl) rho = settings.objective.rho;
  write_units(settings.out, measure_units(backend, model, data), rho);
}

}  // namespace

std::string device_text(const Settings& settings, const Backend& backend) {
  const DeviceDescription device = backend.describe();
  std::string properties;
  for (const auto& [name, value] : device.properties) properties += fmt::format(", {} {}", name, value);
  return fmt::format("device   {}: {}{}, {}", device.kind, device.name, properties,
                     to_string(settings.backend.precision));
}

std::string data_text(const Dataset& data) {
  return fmt::format("data     {}: {} samples of {}, {}{}", data.name(), data.rows(), to_string(data.sample_shape()),
                     data::type_text(data.dtype(), data.stored_dtype()), data.streamed() ? ", streamed" : "");
}

std::string out_of_reach_text(const Dataset& data, const Network& network) {
  if (network.classifier || data.dtype() == DType::u8 || data.streamed()) return {};
  const Activation output = network.output_layer().activation;
  if (output == Activation::identity) return {};
  const ValueSummary values = summarize(data);
  const bool sigmoid = output == Activation::sigmoid;
  if (values.minimum >= 0 && !(sigmoid && values.maximum > 1)) return {};
  return fmt::format(
      "{} has values from {:.4g} to {:.4g}, of which a {} output reaches only those {}: rescale the data or use "
      "--output-activation identity",
      data.name(), values.minimum, values.maximum, to_string(output), sigmoid ? "between 0 and 1" : "from 0 on");
}

CommandResult run_in_directory(const JobRun& run, Console& console, const StopOnSignal& stop) {
  Settings settings = run.settings;
  settings.data_options.stream = run.job.data.streamed ? Streaming::on : Streaming::off;  // for whoever resumes it
  Trainer& trainer = *run.trainer;
  const Dataset& data = run.job.data.train;
  RunDirectory directory(settings.out);
  directory.open();
  try {
    begin(trainer, directory, data.rows(), settings.resume, console);
    settings.epochs = std::max(settings.epochs, trainer.position().epoch);  // what is done stays on record
    // What was measured stays on record: a run that goes on, or is made again from its configuration, takes the same.
    if (trainer.engine() != Engine::automatic) settings.backend.engine = trainer.engine();
    if (const ProductOptions& products = settings.backend.products; products.measured || products.batched)
      settings.backend.products = {.algorithms = trainer.products()};
    io::write_text_file(directory.config(), config_text(settings));
  } catch (...) {
    directory.discard_if_empty();
    throw;
  }
  const std::int64_t steps_before = trainer.position().step;
  RunPlan plan{settings.epochs, data.rows(), settings.checkpoint_every, settings.keep_checkpoints};
  plan.checkpoint_epochs = epochs_between_checkpoints(settings);
  plan.judge = make_judge(settings, run.backend, run.job.data);
  plan.patience = settings.patience;
  std::optional<TensorboardLog> tensorboard;
  if (settings.tensorboard) tensorboard.emplace(directory, trainer.position());
  std::optional<Profiling> profiling;
  if (settings.profile) profiling.emplace(run.backend, trainer);
  Observers observers;
  observers.add(console);
  if (tensorboard) observers.add(*tensorboard);
  const RunOutcome outcome = run_training(trainer, directory, plan, observers, stop.flag());
  const bool was_complete = !outcome.interrupted && steps_before > 0 && outcome.position.step == steps_before;
  if (was_complete)
    console.say(fmt::format("{} is already complete: {} epochs done", directory.path(), outcome.position.epoch));
  else if (!outcome.finished.empty())
    console.say(fmt::format("after {} epochs {}", outcome.position.epoch, outcome.finished));
  const Model trained = outcome.best_epoch ? load_model(directory.best()) : trainer.model();
  Model whole = run.job.finish(trained);
  for (const auto& [key, value] : metadata_of(settings)) whole.metadata[key] = value;
  save_model(directory.model(), whole);
  nlohmann::ordered_json json =
      summary(directory, outcome, status_of(outcome, was_complete, !trainer.finished().empty()), trainer.evaluations());
  json["device"] = fmt::format("{}: {}", run.backend.describe().kind, run.backend.describe().name);
  // What follows has the device's memory to itself.
  run.trainer.reset();
  plan.judge = {};
  if (whole.network.classifier) evaluate_classifier(run.backend, trained, run.job.data, directory, json);
  auto pictures = write_pictures(directory.path(), run.backend, whole, run.job.pictures);
  pictures.push_back(report::write_loss_svg(directory.path()));
  json["pictures"] = pictures;
  if (!whole.network.classifier) write_unit_activity(settings, run.backend, trained, data);
  if (tensorboard) tensorboard->add_pictures(outcome.position.step);
  if (profiling) profiling->show(directory, console, json);
  return {std::move(json), outcome.interrupted ? stop.exit_status() : 0};
}

CommandResult run_job(const Invocation& invocation, CommandBit command, Job (*make)(const Settings&, Backend&)) {
  const Settings settings = job_settings(invocation, command);
  const auto backend = open_backend(settings);
  Job job = make(settings, *backend);
  tell_header(settings, *backend, job);
  if (const std::string text = out_of_reach_text(job.data.train, job.model.network); !text.empty())
    tell("warning: " + text);
  std::optional<Trainer> trainer(std::in_place, *backend, std::move(job.model), job.data.train, job.options);
  for (const std::string& remark : trainer->remarks()) tell("choice   " + remark);

  const StopOnSignal stop;  // from here on there is something to save
  Progress progress;
  CommandResult result = run_in_directory({settings, *backend, job, trainer}, progress, stop);
  if (result.status != 0)
    progress.say(fmt::format("interrupted at step {} and saved; go on with: lacuna {} --resume --out {}",
                             result.json["steps"].get<std::int64_t>(), invocation.command,
                             result.json["run"].get<std::string>()));
  return result;
}

}  // namespace lacuna::cli
