#pragma once

#include <functional>

#include "runtime/control.h"
#include "runtime/types.h"

namespace simt::detail {

/// Work for a stream.
struct Work {
  cudaGraphNodeType type = cudaGraphNodeTypeEmpty;
  Counters cost{};
  std::function<void()> action{};
  /// Of a launch with programmatic stream serialization: what may run before the kernel in front of it is done.
  /// Returns what is left to do then, in place of `action`.
  std::function<std::function<void()>()> begin{};
};

}  // namespace simt::detail
