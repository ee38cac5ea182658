#pragma once

#include <memory>

#include "lacuna/backend.h"
#include "libs/cudnn.h"
#include "plan_layout.h"
#include "product_choice.h"
#include "runtime/stream.h"
#include "step_graphs.h"

namespace lacuna::cuda {

/// Turns a plan into captured graphs: one launch for many steps, whatever the number of operations. Stream, products
/// and cuDNN must outlive it. Throws InputError with a batch that would fit where the GPU's memory does not suffice.
std::unique_ptr<Executable> compile(const StepPlan& plan, const Bindings& bindings, const Stream& stream,
                                    ProductChoice& choice, Cudnn& cudnn, int multiprocessors,
                                    const GraphOptions& options = {});

/// The arena of a plan, zeroed, with the table of its segments in place; waits until it is there. Throws as compile().
DeviceMemory place_arena(const StepPlan& plan, PlanLayout& layout, const Stream& stream);

}  // namespace lacuna::cuda
