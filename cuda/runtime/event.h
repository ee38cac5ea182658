#pragma once

#include "runtime/check.h"
#include "runtime/handle.h"

namespace lacuna::cuda {

/// A point in a stream's work. Without timing unless asked for, which makes it cheaper.
class Event {
 public:
  enum class Timing : bool { off, on };

  explicit Event(Timing timing = Timing::off) {
    cudaEvent_t event = nullptr;
    LACUNA_CUDA(cudaEventCreateWithFlags(&event, timing == Timing::on ? cudaEventDefault : cudaEventDisableTiming));
    event_ = Handle<cudaEvent_t, cudaEventDestroy>(event);
  }
  cudaEvent_t get() const { return event_.get(); }
  void record(cudaStream_t stream) const { LACUNA_CUDA(cudaEventRecord(event_.get(), stream)); }
  /// What is put on `stream` from now on waits for this event, the host does not.
  void hold_back(cudaStream_t stream) const { LACUNA_CUDA(cudaStreamWaitEvent(stream, event_.get())); }
  void synchronize() const { LACUNA_CUDA(cudaEventSynchronize(event_.get())); }

  /// Milliseconds from `start` to this event, both recorded with timing and passed.
  double milliseconds_since(const Event& start) const {
    float milliseconds = 0;
    LACUNA_CUDA(cudaEventElapsedTime(&milliseconds, start.event_.get(), event_.get()));
    return static_cast<double>(milliseconds);
  }

 private:
  Handle<cudaEvent_t, cudaEventDestroy> event_;
};

}  // namespace lacuna::cuda
