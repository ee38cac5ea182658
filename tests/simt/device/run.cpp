#include "device/run.h"

#include <cstddef>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "device/context.h"
#include "device/counters.h"
#include "device/fiber.h"
#include "device/grid.h"
#include "device/keywords.h"
#include "device/message.h"

namespace simt {

Context context;
KernelCounters kernel_counters;

namespace {

Schedule chosen;

Grid* running = nullptr;

void fiber_main() {
  for (;;) {
    running->run_threads();
    context.thread->fiber->suspend();
  }
}

FiberPool pool(&fiber_main);

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

void check_launch(const Launch& launch) {
  if (running != nullptr) throw Fault("simt: kernel " + std::string(running_kernel()) + " launches another one");
  check_limits(launch);
  ++kernel_counters.launches;
}

// A launch that has begun early.
struct Begun {
  explicit Begun(Launch begun) : launch(std::move(begun)), grid(launch, chosen, pool) {}
  const Launch launch;
  Grid grid;
};

}  // namespace

void run(const Launch& launch) {
  check_launch(launch);
  Grid grid(launch, chosen, pool);
  Session session(grid);
  grid.run();
  session.complete();
}

std::function<void()> begin(Launch launch) {
  check_launch(launch);
  const auto begun = std::make_shared<Begun>(std::move(launch));
  Session session(begun->grid);
  begun->grid.begin();
  session.complete();
  return [begun] {
    Session rest(begun->grid);
    begun->grid.run();
    rest.complete();
  };
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

void wait_for_dependency(const Site& site) {
  require_kernel("cudaGridDependencySynchronize()");
  context.block->waited = true;
  if (running->is_early()) wait(State::at_dependency, {.site = site, .call = "cudaGridDependencySynchronize"});
}

void* dynamic_shared_memory() {
  require_kernel("dynamic shared memory");
  return context.block->dynamic_shared.get();
}

void require_global(const void* address, const char* call) {
  if (running == nullptr) return;
  const auto* at = static_cast<const std::byte*>(address);
  const std::byte* shared = context.block->dynamic_shared.get();
  if (std::less<>()(at, shared) || !std::less<>()(at, shared + running->launch().shared_bytes)) return;
  note_fault(describe_thread(context.rank) + ": " + call + " of shared memory, which is for global memory alone");
  stop_thread();
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
