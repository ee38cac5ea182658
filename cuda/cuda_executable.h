#pragma once

#include <memory>

#include "lacuna/backend.h"
#include "libs/cublas.h"
#include "runtime/stream.h"

namespace lacuna::cuda {

/// Turns a plan into a captured graph: one launch a step, whatever the number of operations. Stream and cuBLAS must
/// outlive it. Throws InputError with a batch that would fit where the GPU's memory does not suffice.
std::unique_ptr<Executable> compile(const StepPlan& plan, const Bindings& bindings, const Stream& stream,
                                    const Cublas& cublas, int multiprocessors);

}  // namespace lacuna::cuda
