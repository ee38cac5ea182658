#pragma once

#include <string>

#include "lacuna/step_plan.h"

namespace lacuna {

/// What an operation of a plan has to do at least, by its formula: dense, and everything once through memory.
struct OperationWork {
  std::string name;  ///< "dense_forward code"
  double flop = 0;   ///< of matrix products and convolutions; what else there is hides behind the memory
  double bytes = 0;  ///< read and written
};

OperationWork work_of(const StepPlan& plan, const Operation& operation);

}  // namespace lacuna
