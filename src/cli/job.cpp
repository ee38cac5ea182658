#include "cli/job.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "cli/output.h"
#include "lacuna/error.h"
#include "model/model_file.h"
#include "train/classification.h"
#include "train/memory.h"
#include "train/run.h"
#include "train/run_directory.h"

namespace lacuna::cli {

namespace {

/// Parameters of `to` that `from` has too, under a name that `rename` gives them; as files hold them, because a tied
/// weight lies transposed in memory.
void copy_parameters(Model& to, const Model& from, const std::function<std::string(const std::string&)>& rename) {
  const ModelTensors tensors = model_tensors(from);
  for (const NamedTensor& tensor : tensors.tensors) {
    const std::string name = rename(tensor.name);
    if (!name.empty())
      std::copy_n(static_cast<const float*>(tensor.view.data), tensor.view.shape.elements(), to.data(name));
  }
}

std::string only(const std::string& name, std::string_view part) {
  return name.starts_with(part) ? name : std::string();
}

std::string moved(const std::string& name, const std::string& part, std::size_t by) {
  if (!name.starts_with(part + ".")) return {};
  const std::size_t begin = part.size() + 1, end = name.find('.', begin);
  return fmt::format("{}.{}{}", part, std::stoul(name.substr(begin, end - begin)) + by, name.substr(end));
}

/// `inner`, trained on the codes of `outer`, within it: the deeper autoencoder.
Model stacked(const Model& outer, const Model& inner) {
  Network network;
  network.encoder = outer.network.encoder;
  network.encoder.insert(network.encoder.end(), inner.network.encoder.begin(), inner.network.encoder.end());
  network.decoder = inner.network.decoder;
  network.decoder.insert(network.decoder.end(), outer.network.decoder.begin(), outer.network.decoder.end());
  Model model(network);
  copy_parameters(model, outer, [](const std::string& name) { return only(name, "encoder."); });
  copy_parameters(model, inner,
                  [&](const std::string& name) { return moved(name, "encoder", outer.network.encoder.size()); });
  copy_parameters(model, inner, [](const std::string& name) { return only(name, "decoder."); });
  copy_parameters(model, outer,
                  [&](const std::string& name) { return moved(name, "decoder", inner.network.decoder.size()); });
  model.sample_shape = outer.sample_shape;
  model.metadata = inner.metadata;
  return model;
}

/// A classifier on the codes of `encoder`, as one network on samples.
Model in_front(const Model& encoder, const Model& classifier) {
  Model model(Network::classifying(encoder.network.encoder, encoder.network.features(), classifier.network.classes()));
  copy_parameters(model, encoder, [](const std::string& name) { return only(name, "encoder."); });
  copy_parameters(model, classifier, [](const std::string& name) { return only(name, "classifier."); });
  model.sample_shape = encoder.sample_shape;
  model.metadata = classifier.metadata;
  return model;
}

std::int64_t class_count(const JobData& data) {
  std::int64_t classes = 0;
  for (const Dataset* set :
       {&data.train, data.validation ? &*data.validation : nullptr, data.test ? &*data.test : nullptr})
    if (set)
      for (std::int32_t label : set->labels()) classes = std::max<std::int64_t>(classes, label + 1);
  const auto labels = data.train.labels();
  if (std::ranges::all_of(labels, [&](std::int32_t label) { return label == labels.front(); }))
    throw InputError(fmt::format("all samples of {} are of class {}: there is nothing to tell apart", data.train.name(),
                                 labels.front()));
  return classes;
}

void require_fit(const Settings& settings, const Model& model, const Dataset& data) {
  if (model.network.features() != data.features())
    throw InputError(fmt::format("{} takes samples of {} values, but {} has {}", settings.model,
                                 model.network.features(), data.name(), to_string(data.sample_shape())));
}

void require_room(const Settings& settings, const Network& network, Backend& backend, const Dataset& data) {
  const bool here = backend.describe().kind == "cpu";
  require_memory(here ? training_bytes(network, trainer_options(settings, data.rows()), data.rows())
                      : host_bytes(network, settings.optimizer),
                 data.memory_bytes());
}

void set_metadata(Model& model, const Settings& settings, const Dataset& data) {
  model.metadata = metadata_of(settings);
  model.metadata[kSamplesKey] = std::to_string(data.rows());
}

/// A checkpoint to go on from replaces the parameters that a file would give, and the file need not be there any more.
bool will_be_restored(const Settings& settings) {
  return settings.resume && !RunDirectory(settings.out).checkpoints().empty();
}

void initialize_by(Model& model, const Settings& settings) {
  if (!is_init_file(settings.init)) return initialize(model, parse_init(settings.init), settings.seed);
  if (!will_be_restored(settings)) load_parameters(model, settings.init);
}

void encode_all(JobData& data, Backend& backend, const Model& encoder) {
  const std::array<Dataset*, 4> sets{&data.train, data.validation ? &*data.validation : nullptr,
                                     data.test ? &*data.test : nullptr, data.rest ? &*data.rest : nullptr};
  double rows = 0;
  for (const Dataset* set : sets)
    if (set) rows += static_cast<double>(set->rows());
  require_memory(rows * static_cast<double>(encoder.network.code_units()) * sizeof(float), data.train.memory_bytes());
  for (Dataset* set : sets)
    if (set) *set = encode_dataset(backend, encoder, *set);
}

TrainerOptions classifier_options(const Settings& settings, std::int64_t samples) {
  TrainerOptions options = trainer_options(settings, samples);
  options.objective.sparsity = Sparsity::none;
  return options;
}

/// The autoencoder on whose codes another one trains. Whether the two can be one network is found out before training.
Model outer_model(const Settings& settings, const Dataset& data) {
  Model outer = load_model(settings.model);
  if (outer.network.classifier)
    throw InputError(fmt::format("{} is a classifier; train --model needs an autoencoder", settings.model));
  if (outer.network.code_layer().kept > 0)
    throw InputError(
        fmt::format("{} keeps the {} largest of its code, and only the innermost code of a deeper autoencoder "
                    "can do so; train --model needs another one",
                    settings.model, outer.network.code_layer().kept));
  require_fit(settings, outer, data);
  return outer;
}

/// The layers with a k-sparse code that keeps in training what it keeps in evaluation: a softmax layer reads such
/// codes.
std::vector<Layer> as_evaluated(std::vector<Layer> encoder) {
  if (!encoder.empty()) encoder.back().kept = encoder.back().kept_in_evaluation;
  return encoder;
}

/// Noise and dropout change what the classifier sees in each step; codes computed once for all cannot.
void require_changing_input(const Settings& settings, bool codes_once, bool has_hidden) {
  if (codes_once && settings.noise.amount > 0)
    throw InputError("noise is on the input of the encoder, whose codes are computed once: give --features recomputed");
  if (settings.dropout > 0 && !has_hidden)
    throw InputError(codes_once ? "dropout is for hidden units, but codes are computed once: give --features recomputed"
                                : "dropout is for hidden units, and softmax of the samples themselves has none");
}

/// The samples left over join the training set with the labels that the teacher guesses, of the `classes` that the data
/// have.
void learn_from_teacher(JobData& data, const Settings& settings, Backend& backend, std::int64_t classes) {
  if (settings.teacher.empty()) return;
  if (!data.rest) throw InputError("--teacher guesses for the samples that --labels N leaves over: give --labels");
  const Model teacher = load_model(settings.teacher);
  if (!teacher.network.classifier)
    throw InputError(fmt::format("{} is no classifier; --teacher needs one", settings.teacher));
  if (teacher.network.features() != data.train.features())
    throw InputError(fmt::format("{} takes samples of {} values, but {} has {}", settings.teacher,
                                 teacher.network.features(), data.train.name(), data.train.features()));
  std::vector<Dataset> parts(static_cast<std::size_t>(settings.repeat), data.train);
  const auto guessed = pseudo_labelled(backend, teacher, *data.rest, settings.confidence, classes);
  tell(fmt::format("teacher  {}: sure of {} of {} samples", settings.teacher, guessed ? guessed->rows() : 0,
                   data.rest->rows()));
  if (teacher.network.classes() > classes) {
    // Without notes: a class that the data do not have has no name in them.
    const auto any = pseudo_labelled(backend, teacher, data.rest->with_notes({}), settings.confidence);
    tell(fmt::format(
        "remark   {} tells {} classes apart, {} has {}: its guesses of others, for {} samples, are not taken",
        settings.teacher, teacher.network.classes(), data.train.name(), classes,
        (any ? any->rows() : 0) - (guessed ? guessed->rows() : 0)));
  }
  if (guessed) parts.push_back(*guessed);
  data.train = joined(parts);
}

}  // namespace

AutoencoderData open_autoencoder_data(const Settings& settings, Backend& backend) {
  AutoencoderData data;
  data.samples = open_job_data(settings, &backend);
  data.pictures = data.samples.train;
  if (settings.model.empty()) return data;
  data.outer = outer_model(settings, data.samples.train);
  encode_all(data.samples, backend, *data.outer);
  require_trainable(data.samples.train, settings.objective.loss == Loss::bce);
  return data;
}

Job autoencoder_job(const Settings& settings, Backend& backend, const AutoencoderData& data) {
  Job job;
  job.data = data.samples;
  job.pictures = data.pictures;
  if (data.outer) job.finish = [outer = *data.outer](const Model& inner) { return stacked(outer, inner); };
  const Network network = autoencoder_of(settings, job.data.train);
  settings.objective.validate(network);
  require_room(settings, network, backend, job.data.train);
  job.model = Model(network);
  initialize_by(job.model, settings);
  job.model.sample_shape = job.data.train.sample_shape();
  set_metadata(job.model, settings, job.data.train);
  job.options = trainer_options(settings, job.data.train.rows());
  return job;
}

Job autoencoder_job(const Settings& settings, Backend& backend) {
  return autoencoder_job(settings, backend, open_autoencoder_data(settings, backend));
}

Job classify_job(const Settings& settings, Backend& backend) {
  Job job;
  job.data = open_job_data(settings, &backend);
  job.pictures = job.data.train;
  const std::int64_t classes = class_count(job.data);
  std::vector<Layer> frozen;
  Model base;
  if (!settings.model.empty()) {
    base = load_model(settings.model);
    require_fit(settings, base, job.data.train);
    if (base.network.encoder.empty())
      throw InputError(
          fmt::format("{} has no encoder: leave --model out to classify the samples themselves", settings.model));
    if (settings.recompute)
      frozen = as_evaluated(base.network.encoder);
    else
      encode_all(job.data, backend, base);
  }
  const Network network = Network::classifying(frozen, job.data.train.features(), classes);
  require_changing_input(settings, !settings.model.empty() && frozen.empty(), !frozen.empty());
  require_room(settings, network, backend, job.data.train);
  job.model = Model(network);
  job.model.sample_shape = job.data.train.sample_shape();
  set_metadata(job.model, settings, job.data.train);
  job.options = classifier_options(settings, job.data.train.rows());
  job.options.frozen_layers = static_cast<std::int64_t>(frozen.size());
  if (!frozen.empty()) {
    // Softmax begins as it would on codes computed once; a file to begin with holds nothing but softmax, as there.
    Model softmax(Network::classifying({}, base.network.code_units(), classes));
    initialize_by(softmax, settings);
    copy_parameters(job.model, softmax, [](const std::string& name) { return name; });
    copy_parameters(job.model, base, [](const std::string& name) { return only(name, "encoder."); });
    return job;
  }
  initialize_by(job.model, settings);
  if (!settings.model.empty()) job.finish = [base](const Model& trained) { return in_front(base, trained); };
  return job;
}

Job finetune_job(const Settings& settings, Backend& backend) {
  Job job;
  job.data = open_job_data(settings, &backend);
  job.pictures = job.data.train;
  std::int64_t classes = class_count(job.data);
  learn_from_teacher(job.data, settings, backend, classes);
  std::optional<Model> base;
  std::vector<Layer> encoder;
  if (!settings.model.empty()) {
    base = load_model(settings.model);
    require_fit(settings, *base, job.data.train);
    encoder = as_evaluated(base->network.encoder);
    classes = std::max(classes, base->network.classes());
  } else {
    encoder = Network::autoencoder(job.data.train.features(), settings.hidden, settings.activation).encoder;
  }
  const Network network = Network::classifying(encoder, job.data.train.features(), classes);
  require_changing_input(settings, false, !encoder.empty());
  require_room(settings, network, backend, job.data.train);
  job.model = Model(network);
  initialize_by(job.model, settings);
  if (base && !settings.random) {
    const bool same_classes = base->network.classes() == classes;
    if (base->network.classes() > 0 && !same_classes)
      tell(fmt::format("remark   {} tells {} classes apart, {} has {}: the softmax layer begins anew", settings.model,
                       base->network.classes(), job.data.train.name(), classes));
    copy_parameters(job.model, *base, [same_classes](const std::string& name) {
      if (name.starts_with("classifier.") && same_classes) return name;
      return only(name, "encoder.");
    });
  }
  job.model.sample_shape = job.data.train.sample_shape();
  set_metadata(job.model, settings, job.data.train);
  job.options = classifier_options(settings, job.data.train.rows());
  return job;
}

}  // namespace lacuna::cli
