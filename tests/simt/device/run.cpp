#include "device/run.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include "device/context.h"
#include "device/counters.h"
#include "device/fiber.h"
#include "device/keywords.h"
#include "device/message.h"
#include "device/order.h"

namespace simt {

Context context;
Counters counters;

namespace {

Schedule chosen;

// One launch, and whose turn it is.
class Grid {
 public:
  explicit Grid(const Launch& launch);

  void run() { launch_.cooperative ? run_resident() : run_serially(); }

  // On a fiber: the thread whose turn it is, and those after it while they have not yet begun. Most kernels without a
  // barrier need no more than one fiber, and one switch for each warp.
  void run_threads();

  const Launch& launch() const { return launch_; }
  void note_fault(std::string message) { fault_ = std::move(message); }

 private:
  void run_serially();
  void run_resident();
  void start(Block& block, unsigned linear);
  Progress run_block(Block& block);
  void run_warp(Block& block, unsigned warp);
  void give_turn(Thread& thread, unsigned rank);
  bool next_begins();
  void collect();
  bool release_grid(std::vector<Block>& blocks);

  const Launch& launch_;
  Random random_;
  std::vector<unsigned> blocks_;       // in the order of their turns
  std::vector<uint3> thread_indices_;  // by rank
  std::vector<std::uint16_t> warps_;
  std::vector<std::uint8_t> lanes_;  // of the warp whose turn it is
  unsigned turn_ = 0;                // which of them runs
  unsigned first_rank_ = 0;          // of that warp
  std::string fault_;
  std::exception_ptr escaped_;
};

Grid* running = nullptr;

void fiber_main() {
  for (;;) {
    running->run_threads();
    context.thread->fiber->suspend();
  }
}

FiberPool pool(&fiber_main);

Grid::Grid(const Launch& launch) : launch_(launch), random_(chosen.seed) {
  const unsigned threads = launch.block.x * launch.block.y * launch.block.z;
  context.block_dim = launch.block;
  context.grid_dim = launch.grid;
  blocks_.resize(std::size_t{launch.grid.x} * launch.grid.y * launch.grid.z);
  arrange(blocks_, chosen.order, random_);
  for (unsigned rank = 0; rank < threads; ++rank) thread_indices_.push_back(index_in(launch.block, rank));
  warps_.resize((threads + kLanes - 1) / kLanes);
}

void Grid::start(Block& block, unsigned linear) {
  ++counters.blocks;
  block.index = index_in(launch_.grid, linear);
  block.threads.resize(thread_indices_.size());
  for (Thread& thread : block.threads) thread.state = State::fresh;
  block.static_shared.clear();
  if (!block.dynamic_shared) {
    block.dynamic_shared.reset(static_cast<std::byte*>(std::malloc(launch_.shared_bytes)));
    if (!block.dynamic_shared && launch_.shared_bytes > 0) throw std::bad_alloc();
  }
  if (launch_.shared_bytes > 0) std::memset(block.dynamic_shared.get(), kUnwritten, launch_.shared_bytes);
}

void Grid::run_serially() {
  Block block;
  for (const unsigned linear : blocks_) {
    start(block, linear);
    run_block(block);
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
  ++counters.grid_barriers;
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
    arrange(warps_, chosen.order, random_);
    for (const unsigned warp : warps_) run_warp(block, warp);
    progress = release_block(block);
  } while (progress == Progress::released);
  return progress;
}

void Grid::run_warp(Block& block, unsigned warp) {
  first_rank_ = warp * kLanes;
  lanes_.resize(std::min<std::size_t>(kLanes, block.threads.size() - first_rank_));
  arrange(lanes_, chosen.order, random_);
  do {
    for (turn_ = 0; turn_ < lanes_.size(); ++turn_) {
      const unsigned rank = first_rank_ + lanes_[turn_];
      Thread& thread = block.threads[rank];
      if (thread.state != State::fresh && thread.state != State::ready) continue;
      if (thread.fiber == nullptr) thread.fiber = pool.take();
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
  if (last.state == State::done) pool.give(std::exchange(last.fiber, nullptr));
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
    ++counters.threads;
  } while (next_begins());
}

// The launch that runs; whatever happens, none runs afterwards.
class Session {
 public:
  explicit Session(Grid& grid) { running = &grid; }
  ~Session() {
    if (!completed_) pool.reclaim_all();
    context.block = nullptr;
    running = nullptr;
  }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  void complete() { completed_ = true; }

 private:
  bool completed_ = false;
};

}  // namespace

void run(const Launch& launch) {
  if (running != nullptr) throw Fault("simt: kernel " + std::string(running_kernel()) + " launches another one");
  check_limits(launch);
  ++counters.launches;
  Grid grid(launch);
  Session session(grid);
  grid.run();
  session.complete();
}

void set_schedule(Schedule schedule) {
  chosen = schedule;
}
Schedule schedule() {
  return chosen;
}
const char* running_kernel() {
  return running->launch().name;
}

bool exceeds_shared_limit(const Block& block) {
  const Launch& launch = running->launch();
  const std::size_t bytes = block.static_shared.bytes() + launch.shared_bytes;
  if (bytes <= launch.shared_limit) return false;
  note_fault(std::to_string(bytes) + " bytes of static and dynamic shared memory, allowed are " +
             std::to_string(launch.shared_limit));
  return true;
}

void require_kernel(const char* call) {
  if (running == nullptr) throw Fault("simt: " + std::string(call) + " outside of a kernel");
}

bool is_cooperative() {
  require_kernel("this_grid()");
  return running->launch().cooperative;
}

std::uint64_t wait(State state, const Rendezvous& rendezvous) {
  require_kernel(rendezvous.call);
  if (state == State::at_grid && !is_cooperative()) {
    fail("grid_group::sync() in a launch that is not cooperative", rendezvous.site);
  }
  Thread& thread = *context.thread;
  thread.at = rendezvous;
  thread.state = state;
  thread.fiber->suspend();
  return thread.at.result;
}

void* dynamic_shared_memory() {
  require_kernel("dynamic shared memory");
  return context.block->dynamic_shared.get();
}

void note_fault(const std::string& message) {
  running->note_fault(message);
}

void stop_thread() {
  context.thread->fiber->suspend();
  std::abort();
}

void fail(const char* message, const Site& site) {
  require_kernel(message);
  note_fault(describe_thread(context.rank) + ": " + message + " at " + describe(site));
  stop_thread();
}

}  // namespace simt
