#include <algorithm>
#include <cstdio>
#include <span>

#include "device/block.h"
#include "device/counters.h"
#include "device/message.h"
#include "device/tensor_cores.h"

namespace simt {
namespace {

std::string hex(unsigned mask) {
  char text[16];
  std::snprintf(text, sizeof text, "0x%08x", mask);
  return text;
}

bool names(unsigned mask, unsigned lane) {
  return mask >> lane & 1;
}

// The lanes of one warp that take part in one operation.
class Group {
 public:
  Group(Block& block, unsigned warp, unsigned lane)
      : block_(block),
        first_(warp * kLanes),
        threads_(std::span(block.threads)
                     .subspan(first_)
                     .first(std::min<std::size_t>(kLanes, block.threads.size() - first_))),
        lane_(lane),
        at_(threads_[lane].at) {}

  // Whether all lanes of the mask have arrived.
  bool is_complete() const {
    if (!names(at_.mask, lane_)) fault(", but is not in its own mask " + hex(at_.mask));
    bool complete = true;
    for (unsigned lane = 0; lane < kLanes; ++lane) {
      if (!names(at_.mask, lane)) continue;
      if (lane >= threads_.size()) {
        fault(" with mask " + hex(at_.mask) + ", which names lane " + std::to_string(lane) + " beyond the block's " +
              std::to_string(block_.threads.size()) + " threads");
      }
      complete = has_arrived(lane) && complete;
    }
    return complete;
  }

  void finish() {
    ++kernel_counters.warp_operations;
    const Operation operation = at_.operation;
    const unsigned mask = at_.mask;
    if (operation == Operation::mma_tf32 || operation == Operation::mma_bf16) multiply();
    const std::uint64_t common = combine(operation);
    for (unsigned lane = 0; lane < threads_.size(); ++lane) {
      if (!names(mask, lane)) continue;
      Thread& thread = threads_[lane];
      thread.at.result = operation == Operation::shuffle     ? shuffled(lane)
                         : operation == Operation::match_any ? equal_to(thread.at.value)
                                                             : common;
      thread.state = State::ready;
    }
  }

 private:
  [[noreturn]] void fault(const std::string& what) const {
    throw_fault(block_, describe_wait(first_ + lane_, at_) + what);
  }

  bool has_arrived(unsigned lane) const {
    const Thread& other = threads_[lane];
    if (other.state == State::done) {
      fault(" with mask " + hex(at_.mask) + ", which names " + describe_thread(first_ + lane) + ", which has exited");
    }
    if (other.state != State::at_warp || other.at.mask != at_.mask) return false;
    if (!same_place(other.at.site, at_.site) || other.at.operation != at_.operation) {
      fault(" while, with the same mask " + hex(at_.mask) + ", " + describe_wait(first_ + lane, other.at));
    }
    return true;
  }

  std::uint64_t shuffled(unsigned lane) const {
    const unsigned source = threads_[lane].at.source;
    if (!names(at_.mask, source)) {
      throw_fault(block_, describe_wait(first_ + lane, threads_[lane].at) + " and reads lane " +
                              std::to_string(source) + ", which is not in its mask " + hex(at_.mask));
    }
    return threads_[source].at.value;
  }

  std::uint64_t equal_to(std::uint64_t value) const {
    std::uint64_t lanes = 0;
    for (unsigned lane = 0; lane < threads_.size(); ++lane) {
      if (names(at_.mask, lane) && threads_[lane].at.value == value) lanes |= std::uint64_t{1} << lane;
    }
    return lanes;
  }

  // Into the fragments of the lanes: all 32, for the mask names them.
  void multiply() const {
    MmaFragment* fragments[kLanes];
    for (unsigned lane = 0; lane < kLanes; ++lane) {
      fragments[lane] = reinterpret_cast<MmaFragment*>(static_cast<std::uintptr_t>(threads_[lane].at.value));
      if (at_.operation == Operation::mma_tf32 && !is_tf32(*fragments[lane])) {
        throw_fault(block_, describe_wait(first_ + lane, threads_[lane].at) +
                                " with an operand that has more digits than TF32");
      }
    }
    if (at_.operation == Operation::mma_tf32) {
      multiply_tf32(fragments);
    } else {
      multiply_bf16(fragments);
    }
  }

  // One result for all lanes.
  std::uint64_t combine(Operation operation) const {
    switch (operation) {
      case Operation::ballot:
        return at_.mask & ~equal_to(0);
      case Operation::match_all:
        return equal_to(at_.value) == at_.mask ? at_.mask : 0;
      case Operation::add:
        return reduce<unsigned>([](unsigned a, unsigned b) { return a + b; });
      case Operation::min_signed:
        return reduce<int>([](int a, int b) { return std::min(a, b); });
      case Operation::max_signed:
        return reduce<int>([](int a, int b) { return std::max(a, b); });
      case Operation::min_unsigned:
        return reduce<unsigned>([](unsigned a, unsigned b) { return std::min(a, b); });
      case Operation::max_unsigned:
        return reduce<unsigned>([](unsigned a, unsigned b) { return std::max(a, b); });
      case Operation::bit_and:
        return reduce<unsigned>([](unsigned a, unsigned b) { return a & b; });
      case Operation::bit_or:
        return reduce<unsigned>([](unsigned a, unsigned b) { return a | b; });
      case Operation::bit_xor:
        return reduce<unsigned>([](unsigned a, unsigned b) { return a ^ b; });
      default:
        return 0;
    }
  }

  template <class T, class F>
  std::uint64_t reduce(F f) const {
    T total = static_cast<T>(at_.value);
    for (unsigned lane = lane_ + 1; lane < threads_.size(); ++lane) {
      if (names(at_.mask, lane)) total = f(total, static_cast<T>(threads_[lane].at.value));
    }
    return static_cast<unsigned>(total);
  }

  Block& block_;
  unsigned first_;
  std::span<Thread> threads_;
  unsigned lane_;  // the lowest that waits: every other lane of a complete group lies above it
  const Rendezvous& at_;
};

}  // namespace

bool release_warp(Block& block, unsigned warp) {
  bool released = false;
  unsigned finished = 0;
  for (unsigned lane = 0; lane < kLanes && warp * kLanes + lane < block.threads.size(); ++lane) {
    const Thread& thread = block.threads[warp * kLanes + lane];
    if (thread.state != State::at_warp || names(finished, lane)) continue;
    Group group(block, warp, lane);
    if (!group.is_complete()) continue;
    finished |= thread.at.mask;
    group.finish();
    released = true;
  }
  return released;
}

}  // namespace simt
