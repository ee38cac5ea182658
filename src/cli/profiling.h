#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "cli/progress.h"
#include "lacuna/trainer.h"
#include "train/ceilings.h"
#include "train/run_directory.h"

namespace lacuna::cli {

/// --profile: times the operations of the next steps of a run, and shows them at its end.
class Profiling {
 public:
  /// Measures what the device can do, and lets the trainer time its steps. Must outlive the trainer's steps.
  Profiling(Backend& backend, Trainer& trainer);
  Profiling(const Profiling&) = delete;
  Profiling& operator=(const Profiling&) = delete;

  /// The table to the console, the trace into the run directory and its name into the summary; where no whole batch
  /// was trained on, only that there is nothing to show.
  void show(const RunDirectory& directory, Console& console, nlohmann::ordered_json& summary) const;

 private:
  DeviceDescription device_;
  StepProfile profile_;
  Ceilings ceilings_;
};

}  // namespace lacuna::cli
