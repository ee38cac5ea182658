#include "cli/stop.h"

#include <csignal>

namespace lacuna::cli {

namespace {

std::atomic<bool> stopped{false};
std::atomic<int> received{0};
static_assert(std::atomic<bool>::is_always_lock_free && std::atomic<int>::is_always_lock_free);

void on_signal(int signal) {
  received = signal;
  stopped = true;
}

void install(int signal) {
  struct sigaction action {};
  action.sa_handler = on_signal;
  action.sa_flags = static_cast<int>(SA_RESETHAND | SA_RESTART);
  sigaction(signal, &action, nullptr);
}

}  // namespace

StopOnSignal::StopOnSignal() {
  install(SIGINT);
  install(SIGTERM);
}

StopOnSignal::~StopOnSignal() {
  std::signal(SIGINT, SIG_DFL);
  std::signal(SIGTERM, SIG_DFL);
}

const std::atomic<bool>& StopOnSignal::flag() const {
  return stopped;
}

int StopOnSignal::exit_status() const {
  return 128 + received;
}

}  // namespace lacuna::cli
