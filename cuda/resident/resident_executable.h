#pragma once

#include <memory>
#include <string>

#include "lacuna/backend.h"
#include "runtime/stream.h"

namespace lacuna::cuda {

/// Steps of one launch at most: a run can be stopped between launches.
constexpr std::int64_t kResidentSteps = 64;

/// Whether `blocks` multiprocessors of the current device can run the plan of a training step by one kernel that stays
/// on the device for many steps. If not, `why` says what stands in the way, and by how much it is too large.
bool runs_resident(const StepPlan& plan, Precision precision, int blocks, std::string& why);

/// That kernel, on at most `blocks` multiprocessors: it may share the device with others. Results are the same bits for
/// the same number of blocks. Throws InputError where runs_resident() is false, or where memory is short.
std::unique_ptr<Executable> compile_resident(const StepPlan& plan, const Bindings& bindings, const Stream& stream,
                                             Precision precision, int blocks);

}  // namespace lacuna::cuda
