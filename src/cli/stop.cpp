#include "cli/stop.h"

#include <csignal>
#include <thread>

namespace lacuna::cli {

namespace {

std::atomic<int> living{0};  // objects
std::atomic<bool> stopped{false};
std::atomic<int> received{0};

sigset_t stop_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  return set;
}

/// As if the signal had never been blocked. Comes back if the process was started to ignore it.
void let_pass(int signal) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, signal);
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
  std::raise(signal);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

void receive(const sigset_t& set) {
  for (;;) {
    int signal = 0;
    if (sigwait(&set, &signal) != 0) continue;
    if (living > 0 && !stopped) {
      received = signal;
      stopped = true;
      continue;
    }
    if (stopped) std::signal(signal, SIG_DFL);  // who asks twice means it
    let_pass(signal);
  }
}

}  // namespace

void receive_stop_signals() {
  const sigset_t set = stop_signals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);  // threads inherit it
  std::thread(receive, set).detach();
}

StopOnSignal::StopOnSignal() {
  ++living;
}

StopOnSignal::~StopOnSignal() {
  --living;
}

const std::atomic<bool>& StopOnSignal::flag() const {
  return stopped;
}

int StopOnSignal::exit_status() const {
  return 128 + received;
}

}  // namespace lacuna::cli
