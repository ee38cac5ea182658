#pragma once

#include <memory>

#include "lacuna/backend.h"

namespace lacuna::cpu {

/// Resolves a plan's buffers to addresses and interprets its operations one after another.
std::unique_ptr<Executable> compile(const StepPlan& plan, const Bindings& bindings, int threads);

/// 64-byte aligned, zeroed host memory. Throws Error.
std::unique_ptr<DeviceBuffer> allocate(std::int64_t bytes, const std::string& purpose);

}  // namespace lacuna::cpu
