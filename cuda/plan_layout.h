#pragma once

#include <vector>

#include "kernels/kernels.h"
#include "lacuna/backend.h"

namespace lacuna::cuda {

/// Where everything of a plan lies: bound buffers where their owners put them, what lives within a step one after
/// another in an arena, and after it what the kernels need for themselves.
class PlanLayout {
 public:
  /// Throws ContractError for a buffer that is not bound, or bound to too little.
  PlanLayout(const StepPlan& plan, const Bindings& bindings, int multiprocessors);

  std::int64_t arena_bytes() const { return arena_bytes_; }
  /// From now on addresses can be asked for.
  void place(std::byte* arena) { arena_ = arena; }

  /// Address of a buffer; null for kNoBuffer.
  template <class T = float>
  T* at(BufferId id) const {
    return id == kNoBuffer ? nullptr : reinterpret_cast<T*>(address(id));
  }
  Workspace workspace(cudaStream_t stream) const;

  /// The pieces of the slab that UpdateParameters goes through, and where the device finds them.
  const std::vector<UpdateSegment>& segments() const { return segments_; }
  UpdateSegment* segment_table() const { return reinterpret_cast<UpdateSegment*>(arena_ + segment_table_); }

 private:
  std::byte* address(BufferId id) const;
  std::int64_t take(std::int64_t bytes);

  const StepPlan& plan_;
  int multiprocessors_;
  std::vector<std::byte*> bound_;      // of each bound buffer
  std::vector<std::int64_t> offsets_;  // of each scratch buffer within the arena
  std::vector<UpdateSegment> segments_;
  std::int64_t partials_ = 0, value_partials_ = 0, counters_ = 0, segment_table_ = 0;
  std::int64_t arena_bytes_ = 0;
  std::byte* arena_ = nullptr;
};

}  // namespace lacuna::cuda
