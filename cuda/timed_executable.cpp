#include "timed_executable.h"

#include "cuda_executable.h"
#include "enqueue.h"
#include "runtime/event.h"

namespace lacuna::cuda {

namespace {

class TimedExecutable final : public Executable {
 public:
  TimedExecutable(const StepPlan& plan, const Bindings& bindings, const Stream& stream, ProductChoice& choice,
                  Cudnn& cudnn, int multiprocessors, std::vector<OperationTime>& times)
      : stream_(stream),
        times_(times),
        plan_(plan),
        convolutions_(plan_, cudnn),
        layout_(plan_, bindings, {}, convolutions_.workspace_bytes(), multiprocessors, choice.cublas().precision()),
        arena_(place_arena(plan_, layout_, stream)),
        products_(choice.choose(plan_, layout_)),
        operations_(fuse(plan_)) {
    for (std::size_t i = 0; i <= operations_.size(); ++i) events_.emplace_back(Event::Timing::on);
  }
  TimedExecutable(const TimedExecutable&) = delete;
  TimedExecutable& operator=(const TimedExecutable&) = delete;
  /// The arena must not go while a step runs.
  ~TimedExecutable() override { ignore(cudaStreamSynchronize(stream_.get())); }

  std::int64_t run(std::int64_t steps, const std::atomic<bool>* stop) override {
    stream_.make_current();
    for (std::int64_t done = 0; done < steps; ++done) {
      if (stop && stop->load(std::memory_order_relaxed)) return done;
      run_step();
    }
    return steps;
  }

 private:
  void run_step() {
    const cudaStream_t queue = stream_.get();
    const PlanResources resources{plan_, layout_, products_, convolutions_, layout_.workspace(queue)};
    Bf16Copies copies(plan_);
    if (times_.empty()) start_.record(queue);
    events_[0].record(queue);
    for (std::size_t i = 0; i < operations_.size(); ++i) {
      enqueue(operations_[i], resources, copies);
      events_[i + 1].record(queue);
    }
    events_.back().synchronize();
    constexpr double kMilli = 1e-3;
    for (std::size_t i = 0; i < operations_.size(); ++i)
      times_.push_back({static_cast<std::int32_t>(operations_[i].operation - plan_.operations.data()),
                        events_[i].milliseconds_since(start_) * kMilli,
                        events_[i + 1].milliseconds_since(events_[i]) * kMilli});
  }

  const Stream& stream_;
  std::vector<OperationTime>& times_;
  const StepPlan plan_;
  PlanConvolutions convolutions_;
  PlanLayout layout_;
  DeviceMemory arena_;
  PlanProducts products_;
  std::vector<FusedOperation> operations_;  // of plan_
  std::vector<Event> events_;               // before the first operation, and after each
  Event start_{Event::Timing::on};
};

}  // namespace

std::unique_ptr<Executable> compile_timed(const StepPlan& plan, const Bindings& bindings, const Stream& stream,
                                          ProductChoice& choice, Cudnn& cudnn, int multiprocessors,
                                          std::vector<OperationTime>& times) {
  plan.validate();
  return std::make_unique<TimedExecutable>(plan, bindings, stream, choice, cudnn, multiprocessors, times);
}

}  // namespace lacuna::cuda
