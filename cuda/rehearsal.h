#pragma once

#include <functional>
#include <memory>

#include "lacuna/backend.h"
#include "runtime/stream.h"

namespace lacuna::cuda {

/// Seconds that a step of a training plan takes: compiles it on copies of everything that it writes, and times it for a
/// moment. Infinite where there is not enough memory for the copies.
double rehearse(const StepPlan& plan, const Bindings& bindings, const Stream& stream,
                const std::function<std::unique_ptr<Executable>(const Bindings&)>& compile);

}  // namespace lacuna::cuda
