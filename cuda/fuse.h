#pragma once

#include <vector>

#include "lacuna/step_plan.h"

namespace lacuna::cuda {

/// An operation of a plan, and another that its kernel does on its way: a launch less. Points into the plan.
struct FusedOperation {
  const Operation* operation = nullptr;
  const Operation* rider = nullptr;
};

/// The plan's operations in an order that comes to the same, joined where a kernel can do two of them:
///   BeginStep        with the Gather behind it, which does not read the scalars;
///   SparsityPenalty  with the operation that sums up the columns of a dense code;
///   EndStep          with the UpdateParameters before it.
/// All others are left as they are.
std::vector<FusedOperation> fuse(const StepPlan& plan);

}  // namespace lacuna::cuda
