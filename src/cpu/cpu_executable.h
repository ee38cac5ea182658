#pragma once

#include <memory>

#include "lacuna/backend.h"

namespace lacuna::cpu {

/// Resolves a plan's buffers to addresses and interprets its operations one after another; timed, if `times` is not
/// null.
std::unique_ptr<Executable> compile(const StepPlan& plan, const Bindings& bindings, int threads, Precision precision,
                                    std::vector<OperationTime>* times = nullptr);

/// Throws InputError where this processor or this build does not have the precision asked for, saying so.
std::unique_ptr<Backend> make_backend(const BackendOptions& options);

/// 64-byte aligned, zeroed host memory. Throws Error.
std::unique_ptr<DeviceBuffer> allocate(std::int64_t bytes, const std::string& purpose);

}  // namespace lacuna::cpu
