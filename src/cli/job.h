#pragma once

#include <functional>
#include <optional>

#include "cli/resolve.h"
#include "lacuna/trainer.h"

namespace lacuna::cli {

/// The samples of a training command.
struct JobData {
  Dataset train;
  std::optional<Dataset> validation;  ///< --validation: held out of what train would have been
  std::optional<Dataset> test;        ///< classifiers: --test
  std::optional<Dataset> rest;        ///< classifiers with --labels: the samples not chosen
  bool streamed = false;              ///< what --data names is
};

/// Chooses by --classes, --labels and --validation, and finds the test set. Throws InputError.
JobData open_job_data(const Settings& settings, const Backend* backend);

/// The samples of `data` that --classes and --labels choose, and the others in `rest`, which may be null.
Dataset choose_samples(const Settings& settings, Dataset data, std::optional<Dataset>* rest);

/// What a training command trains, and on what.
struct Job {
  JobData data;      ///< as the trained network sees them: perhaps codes
  Dataset pictures;  ///< samples as they are, to draw
  Model model;       ///< as it begins
  TrainerOptions options;
  /// The model to save, of the one that was trained: the same, or with an encoder in front.
  std::function<Model(const Model& trained)> finish = [](const Model& trained) { return trained; };
};

/// What train learns from; several jobs may share it.
struct AutoencoderData {
  JobData samples;             ///< those of the data, or codes of --model
  Dataset pictures;            ///< the samples themselves
  std::optional<Model> outer;  ///< --model: whose codes they are
};
AutoencoderData open_autoencoder_data(const Settings& settings, Backend& backend);

/// train: an autoencoder, on the data or on the codes of another.
Job autoencoder_job(const Settings& settings, Backend& backend);
Job autoencoder_job(const Settings& settings, Backend& backend, const AutoencoderData& data);
/// classify: softmax on the codes of a model, or on the samples themselves.
Job classify_job(const Settings& settings, Backend& backend);
/// finetune: an encoder and softmax as one network, from a model or from random weights.
Job finetune_job(const Settings& settings, Backend& backend);

}  // namespace lacuna::cli
