#include "device/fiber.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>
#include <string>

#include "device/counters.h"
#include "device/fault.h"
#include "device/sanitizer.h"

extern "C" {
void simt_switch(void** save, void* load);
void simt_fiber_entry();
}

namespace simt {
namespace {

constexpr std::size_t kStackBytes = SIMT_ASAN ? 256 * 1024 : 64 * 1024;

// Where the scheduler stands while a fiber runs. There is one scheduler: everything runs on one OS thread.
struct SchedulerStack {
  void* position = nullptr;
  void* fake_stack = nullptr;
  const void* bottom = nullptr;
  std::size_t bytes = 0;
} scheduler;

// Every fiber passes here when it starts and whenever it comes back.
void arrived_on_fiber([[maybe_unused]] void* fake_stack) {
#if SIMT_ASAN
  __sanitizer_finish_switch_fiber(fake_stack, &scheduler.bottom, &scheduler.bytes);
#endif
}

void (*main_of_new_fiber)();

void begin() {
  arrived_on_fiber(nullptr);
  main_of_new_fiber();
}

std::size_t page_bytes() {
  return static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

}  // namespace

Fiber::Fiber(std::size_t number) : number_(number) {
  const std::size_t guard = page_bytes();
  void* mapping = mmap(nullptr, guard + kStackBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapping == MAP_FAILED || mprotect(mapping, guard, PROT_NONE) != 0) {
    if (mapping != MAP_FAILED) munmap(mapping, guard + kStackBytes);
    throw Fault("simt: no stack for thread " + std::to_string(number) +
                " of those that wait at the same time (see vm.max_map_count)");
  }
  mapping_ = static_cast<char*>(mapping);
  stack_ = mapping_ + guard;
}

Fiber::~Fiber() {
  unpoison(stack_, kStackBytes);
  munmap(mapping_, page_bytes() + kStackBytes);
}

void Fiber::prepare(void (*main)()) {
  unpoison(stack_, kStackBytes);
  main_of_new_fiber = main;
  // Stacks begin a whole number of pages apart; without an offset their hot lines would all compete for the same few
  // sets of the cache.
  char* top = stack_ + kStackBytes - number_ % 32 * 128;
#if defined(__x86_64__)
  constexpr std::size_t kRegisters = 9;  // r15 r14 r13 r12 rbx rbp, return address, padding to a multiple of 16
  constexpr std::size_t kMain = 4, kReturn = 6;
#else
  constexpr std::size_t kRegisters = 20;  // x19 ... x30, d8 ... d15
  constexpr std::size_t kMain = 0, kReturn = 11;
#endif
  std::uintptr_t frame[kRegisters] = {};
  frame[kMain] = reinterpret_cast<std::uintptr_t>(&begin);
  frame[kReturn] = reinterpret_cast<std::uintptr_t>(&simt_fiber_entry);
  position_ = top - sizeof frame;
  std::memcpy(position_, frame, sizeof frame);
}

void Fiber::resume() {
  ++kernel_counters.switches;
#if SIMT_ASAN
  __sanitizer_start_switch_fiber(&scheduler.fake_stack, stack_, kStackBytes);
#endif
  simt_switch(&scheduler.position, position_);
#if SIMT_ASAN
  __sanitizer_finish_switch_fiber(scheduler.fake_stack, nullptr, nullptr);
#endif
}

void Fiber::suspend() {
  ++kernel_counters.switches;
#if SIMT_ASAN
  __sanitizer_start_switch_fiber(&fake_stack_, scheduler.bottom, scheduler.bytes);
#endif
  simt_switch(&position_, scheduler.position);
  arrived_on_fiber(fake_stack_);
}

Fiber* FiberPool::take() {
  if (free_.empty()) {
    all_.push_back(std::make_unique<Fiber>(all_.size()));
    all_.back()->prepare(main_);
    return all_.back().get();
  }
  Fiber* fiber = free_.back();
  free_.pop_back();
  return fiber;
}

void FiberPool::reclaim_all() {
  free_.clear();
  for (const auto& fiber : all_) {
    fiber->prepare(main_);
    free_.push_back(fiber.get());
  }
}

}  // namespace simt
