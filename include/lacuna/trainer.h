#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lacuna/backend.h"
#include "lacuna/data.h"
#include "lacuna/error.h"
#include "lacuna/model.h"
#include "lacuna/objective.h"
#include "lacuna/optimizer.h"

namespace lacuna {

/// Noise on what enters the first layer in training; the target of an autoencoder stays clean.
struct InputNoise {
  NoiseKind kind = NoiseKind::mask;
  double amount = 0;  ///< mask, dropout: probability, in [0, 1); gaussian: standard deviation; shift: pixels, whole
};

struct TrainerOptions {
  Objective objective;
  Optimizer optimizer;
  std::int64_t batch = 100;
  bool shuffle = true;
  std::uint64_t seed = 0;
  InputNoise noise = {};
  ImageExtents image = {};         ///< of a sample, for noise that moves it; the trainer takes them from the data
  double dropout = 0;              ///< probability, in [0, 1), after each hidden layer
  std::int64_t kept_at_start = 0;  ///< k-sparse codes: k falls from here to Layer::kept ...
  std::int64_t anneal_steps = 0;   ///< ... within so many steps
  std::int64_t frozen_layers = 0;  ///< so many layers from the input on stay as they are
};

/// Sample-weighted means over the steps of (part of) an epoch, each taken before its update.
struct LossMeans {
  double samples = 0;
  double reconstruction = 0, sparsity = 0, weight_decay = 0, mean_activation = 0;
  double correct = 0;  ///< share of right answers
  double loss() const { return reconstruction + sparsity + weight_decay; }
  void add(const StepLoss& step);
};

/// All that a run needs to go on with the same bits: parameters, optimizer moments, where it stands, and the loss
/// means of the epoch begun. L-BFGS: the pairs s, y, oldest first, and as numbers the slot that the next pair goes to,
/// the evaluations so far and whether the run has ended.
struct TrainingState {
  Model model;
  std::vector<std::vector<float>> moments;  ///< slabs, Optimizer::moments() of them, or fewer of L-BFGS
  std::vector<std::int64_t> optimizer_numbers;
  StepState position;
  LossMeans epoch_means;
};

/// Steps of a training run whose operations were timed.
struct StepProfile {
  StepPlan plan;
  std::vector<OperationTime> times;  ///< step after step
};

/// A loss that is NaN or infinite. The step is named.
class DivergedError : public Error {
 public:
  DivergedError(std::int64_t step, const StepLoss& loss);
  std::int64_t step() const { return step_; }

 private:
  std::int64_t step_;
};

/// Trains one network on one data set, on any backend: an autoencoder, or a classifier on a data set with labels. The
/// algorithm is a StepPlan built by build_training_plan(); this class binds its memory, replays it and reads the losses
/// back. With L-BFGS a step is an iteration on all samples in the order of their rows, and so an epoch: the batch, the
/// order and the learning rate of the options mean nothing then.
class Trainer {
 public:
  /// Validates everything; places the data, the parameters and the optimizer state on the backend. The backend and
  /// the data must outlive the trainer. Throws InputError.
  Trainer(Backend& backend, Model model, const Dataset& data, const TrainerOptions& options);
  ~Trainer();
  Trainer(const Trainer&) = delete;
  Trainer& operator=(const Trainer&) = delete;

  std::int64_t steps_per_epoch() const;
  /// L-BFGS: why no further step can be made, for people; empty as long as one can, and for other optimizers.
  std::string finished() const;
  /// L-BFGS: evaluations of the objective so far; 0 for other optimizers.
  std::int64_t evaluations() const;
  /// Choices the backend made for this network and data, for people: one line each.
  std::vector<std::string> remarks() const;
  /// The engine that Engine::automatic settled on; automatic where there was nothing to choose.
  Engine engine() const;
  /// The algorithms of products that ProductOptions::measured settled on, or that were given.
  ProductAlgorithms products() const;
  StepState position() const;
  bool classifies() const;

  /// Of the next `steps` steps on whole batches each operation is timed, into `profile`, which must outlive them.
  /// They are otherwise steps like all others. Throws InputError for L-BFGS, whose iterations are no list of
  /// operations.
  void profile(std::int64_t steps, StepProfile& profile);

  /// Runs up to `steps` steps, across epoch boundaries, less when `stop` turns true (looked at between steps) or
  /// finished() says why.
  /// Returns the loss of each step run. Throws DivergedError.
  std::vector<StepLoss> run(std::int64_t steps, const std::atomic<bool>* stop = nullptr);

  /// Runs at most to the end of the current epoch and at most `steps` steps; adds to epoch_means(), which begin
  /// anew with each epoch. Returns the steps run.
  std::int64_t run_within_epoch(std::int64_t steps, const std::atomic<bool>* stop = nullptr);
  /// Means over the steps of the current epoch so far; of the last epoch just after it ended.
  const LossMeans& epoch_means() const;

  /// Everything needed to go on, copied to the host.
  TrainingState state();
  /// Goes on from there. Throws InputError if it does not fit this network or optimizer.
  void restore(const TrainingState& state);
  /// The model as it stands, copied to the host.
  Model model();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// The plan of one training step on batches of `rows` samples.
StepPlan build_training_plan(const Network& network, const TrainerOptions& options, std::int64_t rows,
                             std::int64_t data_rows, DType data_type, std::int64_t ring_capacity);

/// How an autoencoder does on a data set. docs/math.md has the formulas.
struct Evaluation {
  StepLoss loss;                   ///< as Evaluator::loss()
  std::vector<double> unit_means;  ///< mean activation of each unit
  /// Of relu and k-sparse codes, whose units can be exactly 0: active units, those that are not, on average over the
  /// samples (and the positions of a convolutional code), and how many units were active on no sample.
  std::optional<double> l0;
  std::optional<std::int64_t> dead_units;
  /// 1 - sum ||x - y||^2 / sum ||x - mean(x)||^2, of samples x and reconstructions y; 1 minus the fraction of variance
  /// unexplained (FVU). Nothing where all samples are equal.
  std::optional<double> explained_variance;
};

/// Forward passes over a data set in batches of consecutive rows.
class Evaluator {
 public:
  /// Throws InputError if the data does not fit the network.
  Evaluator(Backend& backend, const Model& model, const Dataset& data, std::int64_t batch = 1000);
  ~Evaluator();
  Evaluator(const Evaluator&) = delete;
  Evaluator& operator=(const Evaluator&) = delete;

  /// J and its terms over the whole data set taken as one batch: reconstruction sums are exact sums over samples,
  /// and KL uses the mean activation over the whole set. Also the mean activation of each unit (may be null). Of a
  /// classifier: the mean cross-entropy and how many samples are classified right, which needs labels.
  StepLoss loss(const Objective& objective, std::vector<double>* unit_means = nullptr);
  /// In one pass, of an autoencoder: its loss, to the bits of loss(), and how sparse and how good its codes are.
  Evaluation evaluate(const Objective& objective);
  /// Goes on with these parameters, of a model with the same network.
  void update(const Model& model);
  /// Calls sink(values, rows) batch after batch; values [rows, code_units] or [rows, features].
  using Sink = std::function<void(const float* values, std::int64_t rows)>;
  void encode(const Sink& sink);
  void reconstruct(const Sink& sink);
  /// The probability of each class: values [rows, classes].
  void classify(const Sink& sink);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Checkpoints: the model's tensors, `optimizer.moment1.NAME`, `optimizer.moment2.NAME` and so on, and the state as
/// metadata, in one safetensors file. Written atomically.
void save_checkpoint(const std::string& path, const TrainingState& state);
TrainingState load_checkpoint(const std::string& path);

}  // namespace lacuna
