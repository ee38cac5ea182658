#include "rehearsal.h"

#include <algorithm>
#include <limits>

#include "cuda_backend.h"
#include "lacuna/error.h"
#include "runtime/event.h"

namespace lacuna::cuda {

namespace {

constexpr std::int64_t kSteps = 64;  // as many as the resident engine takes in one launch
constexpr int kRounds = 3;

void copy(void* to, const void* from, std::int64_t bytes, cudaStream_t stream) {
  LACUNA_CUDA(cudaMemcpyAsync(to, from, static_cast<std::size_t>(bytes), cudaMemcpyDeviceToDevice, stream));
}

const Gather& gather_of(const StepPlan& plan) {
  for (const Operation& operation : plan.operations)
    if (const auto* gather = std::get_if<Gather>(&operation)) return *gather;
  throw ContractError("a training plan without a batch");
}

/// Copies of the bound buffers that a training plan writes: all but the data set.
class Copies {
 public:
  Copies(const StepPlan& plan, const Bindings& bindings, cudaStream_t stream) : all_(bindings), stream_(stream) {
    const Gather& gather = gather_of(plan);
    for (const Buffer& buffer : plan.buffers) {
      if (buffer.kind != Buffer::Kind::bound || &buffer == &plan[gather.data]) continue;
      DeviceBuffer* own = bindings.at(buffer.name);
      auto copied = std::make_unique<CudaBuffer>(DeviceMemory(own->bytes(), "a copy of " + buffer.name));
      copy(copied->address(), own->address(), own->bytes(), stream);
      all_[buffer.name] = copied.get();
      owned_.push_back(std::move(copied));
    }
    state_ = bindings.at(plan[gather.state].name);
    copied_state_ = all_.at(plan[gather.state].name);
  }
  const Bindings& bindings() const { return all_; }

  /// Back to where the run stands, so that steps do not leave the data set.
  void rewind() const { copy(copied_state_->address(), state_->address(), sizeof(StepState), stream_); }

 private:
  Bindings all_;
  cudaStream_t stream_;
  DeviceBuffer *state_ = nullptr, *copied_state_ = nullptr;
  std::vector<std::unique_ptr<CudaBuffer>> owned_;
};

/// Steps from the beginning of an epoch to its end.
std::int64_t steps_of_epoch(const StepPlan& plan) {
  const Gather& gather = gather_of(plan);
  return std::max<std::int64_t>(1, plan[gather.data].shape[0] / plan[gather.batch].shape[0]);
}

double seconds_of_a_step(const StepPlan& plan, const Copies& copies, const Stream& stream, Executable& executable) {
  const std::int64_t steps = std::min(kSteps, steps_of_epoch(plan));
  const Event begin(Event::Timing::on), end(Event::Timing::on);
  double fastest = std::numeric_limits<double>::infinity();
  for (int round = 0; round <= kRounds; ++round) {
    copies.rewind();
    begin.record(stream.get());
    executable.run(steps);
    end.record(stream.get());
    end.synchronize();
    // The first round loads kernels.
    if (round > 0) fastest = std::min(fastest, 1e-3 * end.milliseconds_since(begin));
  }
  return fastest / static_cast<double>(steps);
}

}  // namespace

double rehearse(const StepPlan& plan, const Bindings& bindings, const Stream& stream,
                const std::function<std::unique_ptr<Executable>(const Bindings&)>& compile) {
  try {
    const Copies copies(plan, bindings, stream.get());
    const std::unique_ptr<Executable> executable = compile(copies.bindings());
    return seconds_of_a_step(plan, copies, stream, *executable);
  } catch (const MemoryError&) {
    return std::numeric_limits<double>::infinity();
  }
}

}  // namespace lacuna::cuda
