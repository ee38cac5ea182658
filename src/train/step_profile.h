#pragma once

#include <string>
#include <vector>

#include "lacuna/trainer.h"
#include "train/ceilings.h"
#include "train/operation_work.h"

namespace lacuna {

/// One operation, on average over the steps that count.
struct ProfileRow {
  OperationWork work;
  double seconds = 0;
  double share = 0;             ///< of the step
  double floor = 0;             ///< seconds, by its work at the device's ceilings
  bool within_another = false;  ///< the backend computes it as part of another operation
};

struct ProfileSummary {
  std::vector<ProfileRow> rows;  ///< in the plan's order
  std::int64_t steps = 0;        ///< that count ...
  std::int64_t warm_up = 0;      ///< ... and before them so many that do not
  double seconds = 0;            ///< of a step: the sum of its operations
  double floor = 0;              ///< sum of the rows'
};

/// Steps that warm caches, clocks and libraries up.
constexpr std::int64_t kWarmUpSteps = 20;

/// What the largest operation of a plan reads and writes.
double largest_bytes(const StepPlan& plan);

/// Of the first steps kWarmUpSteps do not count, or a fifth where there are few. No steps without times.
ProfileSummary summarize(const StepProfile& profile, const Ceilings& ceilings);

/// For people, one string for each line.
std::vector<std::string> profile_table(const ProfileSummary& summary, const Ceilings& ceilings);

/// The last steps as events for chrome://tracing and Perfetto, JSON. `process`: who did it.
std::string chrome_trace(const StepProfile& profile, const std::string& process);

}  // namespace lacuna
