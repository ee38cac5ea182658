#pragma once

#include <atomic>

namespace lacuna::cli {

/// From here on a thread of its own receives SIGINT and SIGTERM, also where the process was started to ignore them, and
/// no other thread does: to be called before there are other threads. oneDNN's products point the stack pointer into
/// the heap while they compute, so that a handler which interrupts them overwrites it (uxlfoundation/oneDNN issue 4845,
/// mended in 3.11.2). Throws std::system_error if there cannot be another thread.
void receive_stop_signals();

/// While this object lives, the first SIGINT or SIGTERM sets a flag and the second one kills as usual. Needs
/// receive_stop_signals().
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
