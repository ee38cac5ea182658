#pragma once

#include "report/event_file.h"
#include "train/run.h"

namespace lacuna {

/// Writes each epoch's metrics into an event file for TensorBoard.
class TensorboardLog : public RunObserver {
 public:
  /// RUN/tensorboard receives a new file; a resumed run's goes on after `done`.
  TensorboardLog(const RunDirectory& directory, const StepState& done);

  void on_progress(const RunProgress&) override {}
  void on_epoch(const EpochMetrics& metrics, const RunProgress&) override;
  /// Those of weights.png, input.png and reconstruction.png that are there.
  void add_pictures(std::int64_t step);

 private:
  const RunDirectory& directory_;
  report::EventFile file_;
};

}  // namespace lacuna
