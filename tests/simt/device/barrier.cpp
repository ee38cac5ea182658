#include <algorithm>

#include "device/block.h"
#include "device/counters.h"
#include "device/message.h"

namespace simt {
namespace {

struct Tally {
  unsigned done = 0;
  bool at_dependency = false;
  unsigned first_waiting = ~0u, first_done = ~0u, first_at_warp = ~0u;
};

Tally tally(const Block& block) {
  Tally tally;
  for (unsigned rank = 0; rank < block.threads.size(); ++rank) {
    const State state = block.threads[rank].state;
    if (state == State::done) {
      ++tally.done;
      tally.first_done = std::min(tally.first_done, rank);
    } else if (state == State::at_dependency) {
      tally.at_dependency = true;
    } else if (state == State::at_warp) {
      tally.first_at_warp = std::min(tally.first_at_warp, rank);
    } else {
      tally.first_waiting = std::min(tally.first_waiting, rank);
    }
  }
  return tally;
}

// Why a warp operation cannot complete although every thread of the block waits or has exited: some lane that its mask
// names waits elsewhere, or with another mask.
[[noreturn]] void explain_stuck_warp(const Block& block, unsigned rank) {
  const Rendezvous& at = block.threads[rank].at;
  for (unsigned lane = 0; lane < kLanes; ++lane) {
    const unsigned other = rank / kLanes * kLanes + lane;
    if (!(at.mask >> lane & 1) || other >= block.threads.size()) continue;
    const Thread& missing = block.threads[other];
    if (missing.state == State::at_warp && missing.at.mask == at.mask) continue;
    const bool differ = missing.state == State::at_warp;
    throw_fault(block, describe_wait(rank, at) + " for " + describe_thread(other) + ", but " +
                           describe_wait(other, missing.at) + (differ ? " with another mask" : ""));
  }
  throw_fault(block, describe_wait(rank, at) + " for ever");
}

void require_same_place(const Block& block, unsigned first) {
  const Thread& thread = block.threads[first];
  for (unsigned rank = first + 1; rank < block.threads.size(); ++rank) {
    const Thread& other = block.threads[rank];
    if (other.state == State::done) continue;
    if (other.state != thread.state || other.at.operation != thread.at.operation ||
        !same_place(other.at.site, thread.at.site)) {
      throw_fault(block,
                  "divergent barrier: " + describe_wait(first, thread.at) + ", " + describe_wait(rank, other.at));
    }
  }
}

// __syncthreads_count(), _and() and _or() all come from the number of threads whose predicate holds.
std::uint64_t common_result(const Block& block, Operation operation) {
  const auto holds = [](const Thread& thread) { return thread.at.value != 0; };
  switch (operation) {
    case Operation::count:
      return static_cast<std::uint64_t>(std::count_if(block.threads.begin(), block.threads.end(), holds));
    case Operation::all:
      return std::all_of(block.threads.begin(), block.threads.end(), holds);
    case Operation::any:
      return std::any_of(block.threads.begin(), block.threads.end(), holds);
    default:
      return 0;
  }
}

}  // namespace

Progress release_block(Block& block) {
  const Tally found = tally(block);
  if (found.done == block.threads.size()) return Progress::done;
  if (found.at_dependency) return Progress::at_dependency;
  if (found.first_at_warp != ~0u) explain_stuck_warp(block, found.first_at_warp);
  require_same_place(block, found.first_waiting);
  const Thread& first = block.threads[found.first_waiting];
  if (found.done != 0) {
    throw_fault(block, describe_wait(found.first_waiting, first.at) + ", but " + std::to_string(found.done) +
                           " threads have exited, the first of them " + describe_thread(found.first_done));
  }
  if (first.state == State::at_grid) return Progress::at_grid;
  ++kernel_counters.barriers;
  const std::uint64_t result = common_result(block, first.at.operation);
  for (Thread& thread : block.threads) {
    thread.at.result = result;
    thread.state = State::ready;
  }
  return Progress::released;
}

}  // namespace simt
