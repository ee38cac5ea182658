#pragma once

#include "cli/options.h"
#include "cli/sweep_grid.h"
#include "cli/sweep_results.h"

namespace lacuna::cli {

struct SweepPlan {
  std::string out;             ///< directory of the whole sweep
  GivenValues settings;        ///< of all models
  std::vector<GridAxis> axes;  ///< and those in which they differ
  std::int64_t jobs = 0;       ///< models at once; 0: as many as there are cores for
  std::string metric;  ///< what the results are sorted by; empty: the reconstruction, on samples held out if any
  bool force = false, resume = false;
};

/// Trains every combination, each in a run directory of its own below `out`, several at once: each on a thread and a
/// backend of its own, all from the same data in memory. Before anything is written, every model is looked at as its
/// run would. Prints the table, writes sweep.json, sweep.svg and report.html. Returns the exit status: 0 where every
/// model was trained or has diverged, and one at least was trained.
int run_sweep(const SweepPlan& plan);

}  // namespace lacuna::cli
