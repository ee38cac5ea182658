#pragma once

#include <memory>
#include <vector>

#include "lacuna/backend.h"
#include "libs/cudnn.h"
#include "product_choice.h"
#include "runtime/stream.h"

namespace lacuna::cuda {

/// Runs a plan's operations one by one, without a graph, each between two events; waits for each step, and appends its
/// times. An operation that rides along with another has no time of its own. Else as compile().
std::unique_ptr<Executable> compile_timed(const StepPlan& plan, const Bindings& bindings, const Stream& stream,
                                          ProductChoice& choice, Cudnn& cudnn, int multiprocessors,
                                          std::vector<OperationTime>& times);

}  // namespace lacuna::cuda
