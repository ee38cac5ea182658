#pragma once

#include <cstddef>
#include <memory>
#include <vector>

namespace simt {

// A stack of its own and the place where what runs on it has stopped.
class Fiber {
 public:
  explicit Fiber(std::size_t number);
  ~Fiber();
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  void prepare(void (*main)());  // the next resume() calls main(), which must never return
  void resume();                 // from the scheduler: until suspend()
  void suspend();                // from the fiber: back to the scheduler

 private:
  char* mapping_;
  char* stack_;
  std::size_t number_;
  void* position_ = nullptr;
  void* fake_stack_ = nullptr;
};

// Fibers that are free for the next thread. They are kept from launch to launch, since mapping a stack is expensive.
class FiberPool {
 public:
  explicit FiberPool(void (*main)()) : main_(main) {}

  Fiber* take();
  // A fiber whose main function waits for its next thread.
  void give(Fiber* fiber) { free_.push_back(fiber); }
  // Takes all fibers back, wherever they stand: what is on their stacks is dropped.
  void reclaim_all();

 private:
  void (*main_)();
  std::vector<std::unique_ptr<Fiber>> all_;
  std::vector<Fiber*> free_;
};

}  // namespace simt
