#include "together/joint_executable.h"

#include <algorithm>

namespace lacuna::cuda {

namespace {

class JointExecutable final : public Executable {
 public:
  JointExecutable(const StepPlan& plan, const Bindings& bindings, const Stream& stream, ProductChoice& choice,
                  Cudnn& cudnn, int multiprocessors, JointModels& group)
      : stream_(stream),
        plan_(plan, bindings, stream, choice, cudnn, multiprocessors),
        branch_(stream.get()),
        alone_(stream.get(), std::min(GraphOptions().most_steps, plan_.sequence().longest()),
               [this](std::int64_t steps) { plan_.sequence().enqueue(steps, plan_.resources(), branch_); }),
        seat_(group.take_seat(plan_)) {}
  JointExecutable(const JointExecutable&) = delete;
  JointExecutable& operator=(const JointExecutable&) = delete;

  /// The memory must not go while steps run. Those that are joint come before what is on this stream now.
  ~JointExecutable() override {
    seat_.reset();
    ignore(cudaStreamSynchronize(stream_.get()));
  }

  std::int64_t run(std::int64_t steps, const std::atomic<bool>* stop) override {
    stream_.make_current();
    std::int64_t done = 0;
    bool together = seat_ != nullptr;
    while (done < steps && !(stop && stop->load(std::memory_order_relaxed))) {
      const std::int64_t joint = together ? seat_->run(steps - done, stop) : 0;
      together = joint > 0;  // else the others may be there next time
      done += together ? joint : alone_.launch(steps - done, stream_.get());
    }
    return done;
  }
  std::vector<std::string> remarks() const override { return plan_.products().remarks(); }
  ProductAlgorithms products() const override { return plan_.products().algorithms(); }

 private:
  const Stream& stream_;
  JointPlan plan_;
  Branch branch_;
  StepGraphs alone_;
  std::unique_ptr<JointModels::Seat> seat_;
};

}  // namespace

std::unique_ptr<Executable> compile_joint(const StepPlan& plan, const Bindings& bindings, const Stream& stream,
                                          ProductChoice& choice, Cudnn& cudnn, int multiprocessors,
                                          JointModels& group) {
  plan.validate();
  return std::make_unique<JointExecutable>(plan, bindings, stream, choice, cudnn, multiprocessors, group);
}

}  // namespace lacuna::cuda
