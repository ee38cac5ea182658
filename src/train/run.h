#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "lacuna/trainer.h"
#include "train/metrics_log.h"
#include "train/run_directory.h"

namespace lacuna {

/// Looks at a model at the end of an epoch and adds what it finds: losses on samples held out.
using Judge = std::function<void(const Model& model, EpochMetrics& metrics)>;

struct RunPlan {
  std::int64_t epochs = 0;             ///< in all, those already done included
  std::int64_t samples = 0;            ///< of one epoch
  std::int64_t checkpoint_every = 0;   ///< steps; 0: at the end of epochs only
  std::int64_t keep_checkpoints = 0;   ///< 0: all
  std::int64_t checkpoint_epochs = 1;  ///< epochs from one checkpoint at an epoch's end to the next; the last has one
  Judge judge = {};
  /// Early stopping: so many epochs without a better validation loss (or accuracy) than ever end the run; the best
  /// epoch's parameters are kept in RunDirectory::best(), with the epoch as metadata "state.epoch". Where a resumed run
  /// finds neither them nor that epoch's checkpoint, the comparison begins anew. 0: runs to the end.
  std::int64_t patience = 0;
};

struct RunProgress {
  std::int64_t epoch = 0;  ///< the one being worked on, from 1
  std::int64_t epochs = 0;
  double fraction = 0;  ///< of this epoch
  double loss = 0;      ///< mean over this epoch so far
  double samples_per_second = 0;
  double seconds_left = 0;  ///< of the whole run
};

/// Is told how a run gets on.
class RunObserver {
 public:
  virtual ~RunObserver() = default;
  virtual void on_progress(const RunProgress& progress) = 0;
  virtual void on_epoch(const EpochMetrics& metrics, const RunProgress& progress) = 0;
  /// Something that people should know of, in one line.
  virtual void on_remark(const std::string&) {}
};

struct RunOutcome {
  bool interrupted = false;  ///< stopped before the last epoch ended; a checkpoint was saved there
  std::string finished;      ///< why it ended before the last epoch, if it did
  StepState position;
  std::optional<EpochMetrics> last_epoch;
  std::optional<EpochMetrics> best_epoch = {};  ///< with patience: the epoch whose parameters best() holds
  double seconds = 0;
  double training_seconds = 0;  ///< spent on the steps of all epochs completed, also before this run was resumed
};

/// The loss, a parameter or a moment became NaN or infinite.
class DivergedRun : public Error {
 public:
  using Error::Error;
};

/// Trains to the end of plan.epochs, until `stop`, or until the trainer is finished: writes metrics.jsonl at each
/// epoch's end, and checkpoints there and every plan.checkpoint_every steps. Throws DivergedRun, naming
/// the step and the last good checkpoint; checkpoints that hold parameters which diverged are removed.
RunOutcome run_training(Trainer& trainer, const RunDirectory& directory, const RunPlan& plan, RunObserver& observer,
                        const std::atomic<bool>& stop);

/// Metadata of a model: samples of the data that it was trained on.
constexpr const char* kSamplesKey = "data.samples";

/// Restores the newest checkpoint that can be read and returns its path; nothing if there is none. What is wrong with a
/// newer one goes to `report`. Throws InputError if it does not fit the network, the optimizer or the number of
/// samples.
std::optional<std::string> restore_newest(Trainer& trainer, const RunDirectory& directory, std::int64_t samples,
                                          const std::function<void(const std::string&)>& report);

}  // namespace lacuna
