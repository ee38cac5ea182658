#pragma once

#include <atomic>

namespace lacuna::cli {

/// While this object lives, the first SIGINT or SIGTERM sets a flag and the second one kills as usual.
class StopOnSignal {
 public:
  StopOnSignal();
  ~StopOnSignal();
  StopOnSignal(const StopOnSignal&) = delete;
  StopOnSignal& operator=(const StopOnSignal&) = delete;

  const std::atomic<bool>& flag() const;
  /// What a shell expects after the signal that came: 130 for SIGINT, 143 for SIGTERM.
  int exit_status() const;
};

}  // namespace lacuna::cli
