#include "device/grid.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>

#include "device/context.h"
#include "device/counters.h"
#include "device/message.h"
#include "device/run.h"

namespace simt {
namespace {

// That wait for what is before their kernel, each on a stack of its own.
constexpr std::size_t kEarlyThreads = 2048;

}  // namespace

Grid::Grid(const Launch& launch, Schedule schedule, FiberPool& pool)
    : launch_(launch), order_(schedule.order), pool_(pool), random_(schedule.seed) {
  const unsigned threads = launch.block.x * launch.block.y * launch.block.z;
  blocks_.resize(std::size_t{launch.grid.x} * launch.grid.y * launch.grid.z);
  arrange(blocks_, order_, random_);
  for (unsigned rank = 0; rank < threads; ++rank) thread_indices_.push_back(index_in(launch.block, rank));
  warps_.resize((threads + kLanes - 1) / kLanes);
}

void Grid::enter() {
  context.block_dim = launch_.block;
  context.grid_dim = launch_.grid;
}

void Grid::run() {
  enter();
  launch_.cooperative ? run_resident() : run_serially();
}

void Grid::begin() {
  enter();
  early_ = true;
  begun_ =
      std::vector<Block>(std::min(blocks_.size(), std::max<std::size_t>(1, kEarlyThreads / warps_.size() / kLanes)));
  for (std::size_t i = 0; i < begun_.size(); ++i) {
    start(begun_[i], blocks_[i]);
    run_block(begun_[i]);
    begun_[i].static_shared.save();
  }
  early_ = false;
}

void Grid::start(Block& block, unsigned linear) {
  ++kernel_counters.blocks;
  block.index = index_in(launch_.grid, linear);
  block.threads.resize(thread_indices_.size());
  for (Thread& thread : block.threads) thread.state = State::fresh;
  block.waited = false;
  block.static_shared.clear();
  if (!block.dynamic_shared) {
    block.dynamic_shared.reset(static_cast<std::byte*>(std::malloc(launch_.shared_bytes)));
    if (!block.dynamic_shared && launch_.shared_bytes > 0) throw std::bad_alloc();
  }
  if (launch_.shared_bytes > 0) std::memset(block.dynamic_shared.get(), kUnwritten, launch_.shared_bytes);
}

void Grid::run_serially() {
  for (Block& block : begun_) {
    block.static_shared.restore();
    for (Thread& thread : block.threads)
      if (thread.state == State::at_dependency) thread.state = State::ready;
    run_to_end(block);
    block.static_shared.clear();
  }
  Block block;
  for (std::size_t i = begun_.size(); i < blocks_.size(); ++i) {
    start(block, blocks_[i]);
    run_to_end(block);
  }
}

// Nothing waits for a kernel longer than for its last thread: if no thread of it waits, then what comes next may run
// before what was in front of it.
void Grid::run_to_end(Block& block) {
  run_block(block);
  if (launch_.programmatic && !block.waited) {
    throw_fault(block,
                "has ended without cudaGridDependencySynchronize(), but was launched with programmatic stream "
                "serialization");
  }
}

void Grid::run_resident() {
  std::vector<Block> blocks(blocks_.size());
  for (const unsigned linear : blocks_) start(blocks[linear], linear);
  do {
    for (const unsigned linear : blocks_) {
      Block& block = blocks[linear];
      block.static_shared.restore();
      block.done = run_block(block) == Progress::done;
      block.static_shared.save();
    }
  } while (release_grid(blocks));
}

bool Grid::release_grid(std::vector<Block>& blocks) {
  const auto waiting = [](const Block& block) { return !block.done; };
  const auto first = std::find_if(blocks.begin(), blocks.end(), waiting);
  if (first == blocks.end()) return false;
  const Thread& thread = first->threads.front();
  for (const Block& block : blocks) {
    if (block.done) {
      throw_fault(*first, describe_wait(0, thread.at) + ", but block " + describe(block.index) + " has exited");
    }
    const Thread& other = block.threads.front();
    if (!same_place(other.at.site, thread.at.site)) {
      throw_fault(*first, "divergent barrier: " + describe_wait(0, thread.at) + ", and in block " +
                              describe(block.index) + " " + describe_wait(0, other.at));
    }
  }
  ++kernel_counters.grid_barriers;
  for (Block& block : blocks) {
    for (Thread& other : block.threads) other.state = State::ready;
  }
  return true;
}

Progress Grid::run_block(Block& block) {
  context.block = &block;
  context.block_index = block.index;
  Progress progress;
  do {
    // Each warp goes as far as it can before the next one starts, so that forward and reverse order together show both
    // orders of any two conflicting accesses between two barriers.
    arrange(warps_, order_, random_);
    for (const unsigned warp : warps_) run_warp(block, warp);
    progress = release_block(block);
  } while (progress == Progress::released);
  return progress;
}

void Grid::run_warp(Block& block, unsigned warp) {
  first_rank_ = warp * kLanes;
  lanes_.resize(std::min<std::size_t>(kLanes, block.threads.size() - first_rank_));
  arrange(lanes_, order_, random_);
  do {
    for (turn_ = 0; turn_ < lanes_.size(); ++turn_) {
      const unsigned rank = first_rank_ + lanes_[turn_];
      Thread& thread = block.threads[rank];
      if (thread.state != State::fresh && thread.state != State::ready) continue;
      if (thread.fiber == nullptr) thread.fiber = pool_.take();
      give_turn(thread, rank);
      thread.fiber->resume();
      collect();
    }
  } while (release_warp(block, warp));
}

void Grid::give_turn(Thread& thread, unsigned rank) {
  context.thread = &thread;
  context.rank = rank;
  context.thread_index = thread_indices_[rank];
}

// What the thread that ran last has left; it need not be the one that was resumed.
void Grid::collect() {
  if (escaped_) std::rethrow_exception(escaped_);
  if (!fault_.empty()) throw_fault(*context.block, fault_);
  Thread& last = *context.thread;
  if (last.state == State::done) pool_.give(std::exchange(last.fiber, nullptr));
}

bool Grid::next_begins() {
  if (turn_ + 1 == lanes_.size()) return false;
  const unsigned rank = first_rank_ + lanes_[turn_ + 1];
  Thread& next = context.block->threads[rank];
  if (next.state != State::fresh) return false;
  ++turn_;
  next.fiber = std::exchange(context.thread->fiber, nullptr);
  give_turn(next, rank);
  return true;
}

void Grid::run_threads() {
  do {
    try {
      launch_.body();
    } catch (...) {
      escaped_ = std::current_exception();
      return;
    }
    context.thread->state = State::done;
    ++kernel_counters.threads;
  } while (next_begins());
}

}  // namespace simt
