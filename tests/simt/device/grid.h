#pragma once

#include <cstdint>
#include <exception>
#include <string>
#include <utility>
#include <vector>

#include "device/block.h"
#include "device/fiber.h"
#include "device/launch.h"
#include "device/order.h"

namespace simt {

// One launch, and whose turn it is.
class Grid {
 public:
  Grid(const Launch& launch, Schedule schedule, FiberPool& pool);

  // Before what the launch depends on has run: the first blocks, as far as they come.
  void begin();
  void run();

  // On a fiber: the thread whose turn it is, and those after it while they have not yet begun. Most kernels without a
  // barrier need no more than one fiber, and one switch for each warp.
  void run_threads();

  const Launch& launch() const { return launch_; }
  bool is_early() const { return early_; }  // within begin()
  void note_fault(std::string message) { fault_ = std::move(message); }

 private:
  void enter();
  void run_serially();
  void run_resident();
  void start(Block& block, unsigned linear);
  Progress run_block(Block& block);
  void run_to_end(Block& block);
  void run_warp(Block& block, unsigned warp);
  void give_turn(Thread& thread, unsigned rank);
  bool next_begins();
  void collect();
  bool release_grid(std::vector<Block>& blocks);

  const Launch& launch_;
  const Schedule::Order order_;
  FiberPool& pool_;
  Random random_;
  std::vector<unsigned> blocks_;  // in the order of their turns
  std::vector<Block> begun_;      // the first of them, where begin() has left them
  bool early_ = false;
  std::vector<uint3> thread_indices_;  // by rank
  std::vector<std::uint16_t> warps_;
  std::vector<std::uint8_t> lanes_;  // of the warp whose turn it is
  unsigned turn_ = 0;                // which of them runs
  unsigned first_rank_ = 0;          // of that warp
  std::string fault_;
  std::exception_ptr escaped_;
};

}  // namespace simt
