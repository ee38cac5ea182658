#pragma once

#include <map>
#include <memory>

#include "cli/job.h"
#include "cli/sweep_run.h"

namespace lacuna::cli {

/// A model of a sweep that can be trained.
struct SweepJob {
  Settings settings;
  std::shared_ptr<const AutoencoderData> data;  ///< shared by all that learn from the same
};

/// Looks at every model of a sweep as its run would when it begins: settings, data, network, memory. Throws InputError
/// naming the model. `backend` encodes where the models learn from codes.
std::vector<SweepJob> check_sweep(const SweepPlan& plan, const std::vector<SweepCell>& cells, Backend& backend);

/// What `lacuna train` would warn of, each once: the first model that it is about, and how many more.
std::vector<std::string> warnings_of(const std::vector<SweepJob>& jobs, const std::vector<SweepCell>& cells);

/// Throws InputError where the largest `jobs` of the models together need more memory than there is.
void require_room_for_jobs(const std::vector<SweepJob>& jobs, std::size_t at_once);

}  // namespace lacuna::cli
