#pragma once

#include "runtime/event.h"
#include "runtime/stream.h"

namespace lacuna::cuda {

/// A second stream that runs beside `trunk` from each fork() to the join() after it. Within a capture of the trunk it
/// becomes a branch of the graph. It must outlive the capture, but the graph needs it no more.
class Branch {
 public:
  explicit Branch(cudaStream_t trunk) : trunk_(trunk) {}

  cudaStream_t stream() const { return stream_.get(); }
  /// The branch comes after all that is on the trunk so far.
  void fork() const {
    forked_.record(trunk_);
    forked_.hold_back(stream_.get());
  }
  /// What is put on the trunk from now on comes after all that is on the branch so far.
  void join() const {
    joined_.record(stream_.get());
    joined_.hold_back(trunk_);
  }

 private:
  cudaStream_t trunk_;
  Stream stream_;
  Event forked_, joined_;
};

}  // namespace lacuna::cuda
