#pragma once

#include <ostream>
#include <vector>

#include "parity/training_run.h"

namespace lacuna::test {

/// A run of which 64 steps are one graph, and a precision for it.
struct ProgrammaticPlan {
  const char* name;
  TrainingRun run;
  Precision precision = Precision::fp32;

  friend void PrintTo(const ProgrammaticPlan& plan, std::ostream* out) { *out << plan.name; }
};

/// Together they launch every kernel of a step, but for begin_step and end_step, which others do on their way.
std::vector<ProgrammaticPlan> programmatic_plans();

}  // namespace lacuna::test
