#pragma once

#include "resident/resident_shape.h"

namespace lacuna::cuda {

/// Cuts a block's shared memory, at most `available` bytes of it. The whole batch stays there from the forward to the
/// backward pass if it fits; else it is gathered twice, in as many rows at a time as there is room for. If
/// layout.bytes > available, it does not fit and that is the least it would need.
ResidentLayout resident_layout(const ResidentShape& shape, std::int64_t available);

}  // namespace lacuna::cuda
