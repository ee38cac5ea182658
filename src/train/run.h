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

struct RunPlan {
  std::int64_t epochs = 0;            ///< in all, those already done included
  std::int64_t samples = 0;           ///< of one epoch
  std::int64_t checkpoint_every = 0;  ///< steps; 0: at the end of epochs only
  std::int64_t keep_checkpoints = 0;  ///< 0: all
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
};

struct RunOutcome {
  bool interrupted = false;  ///< stopped before the last epoch ended; a checkpoint was saved there
  StepState position;
  std::optional<EpochMetrics> last_epoch;
  double seconds = 0;
};

/// Trains to the end of plan.epochs, or until `stop`: writes metrics.jsonl and a checkpoint at each epoch's end and
/// every plan.checkpoint_every steps. Throws Error if the run diverges, naming the step and the last good checkpoint;
/// checkpoints that hold parameters which diverged are removed.
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
