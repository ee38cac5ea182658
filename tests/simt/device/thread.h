#pragma once

#include <cstdint>
#include <source_location>

namespace simt {

class Fiber;

// Where in the kernel a thread waits.
using Site = std::source_location;

enum class State : std::uint8_t { fresh, ready, at_barrier, at_warp, at_grid, at_dependency, done };

// What is done with the values that the waiting threads bring along.
enum class Operation : std::uint8_t {
  none,
  count,  // of threads whose value is not 0; _and and _or of a block
  all,
  any,
  shuffle,  // the value of lane `source`
  ballot,
  match_any,
  match_all,
  add,
  min_signed,
  max_signed,
  min_unsigned,
  max_unsigned,
  bit_and,
  bit_or,
  bit_xor,
  mma_tf32,  // the value is the address of the lane's MmaFragment
  mma_bf16,
};

// A thread's part in a barrier or a warp operation: what it waits for and what it gets.
struct Rendezvous {
  Site site;
  const char* call = nullptr;  // as the kernel calls it
  Operation operation = Operation::none;
  unsigned mask = 0;    // of lanes; warp operations only
  unsigned source = 0;  // lane that a shuffle reads
  std::uint64_t value = 0;
  std::uint64_t result = 0;
};

struct Thread {
  Fiber* fiber = nullptr;  // its stack, while it waits
  State state = State::fresh;
  Rendezvous at;
};

}  // namespace simt
