#pragma once

#include <utility>
#include <vector>

#include "kernels/kernels.h"
#include "lacuna/backend.h"

namespace lacuna::cuda {

/// Where everything of a plan lies: bound buffers where their owners put them, what lives within a step one after
/// another in an arena, and after it what the kernels need for themselves.
class PlanLayout {
 public:
  /// `doubled`: scratch buffers of which odd steps use another copy. With Precision::bf16 there is room for what
  /// Bf16Copies tells apart. Throws ContractError for a buffer that is not bound, or bound to too little.
  PlanLayout(const StepPlan& plan, const Bindings& bindings, const std::vector<BufferId>& doubled,
             std::int64_t convolution_bytes, int multiprocessors, Precision precision);

  std::int64_t arena_bytes() const { return arena_bytes_; }
  /// Those of them that grow with the batch, or may; copies of weights and partial sums do not.
  std::int64_t batch_bytes() const { return batch_bytes_; }
  /// From now on addresses can be asked for.
  void place(std::byte* arena) { arena_ = arena; }
  /// The same, as odd steps see it.
  PlanLayout of_odd_steps() const;

  /// Address of a buffer; null for kNoBuffer.
  template <class T = float>
  T* at(BufferId id) const {
    return id == kNoBuffer ? nullptr : reinterpret_cast<T*>(address(id));
  }
  Workspace workspace(cudaStream_t stream) const;

  /// For the scalars of the step after the current one.
  StepScalars* next_scalars() const { return reinterpret_cast<StepScalars*>(arena_ + next_scalars_); }
  /// Memory of one of the Bf16Copies, by its index; with Precision::bf16. Odd steps use the same: a batch is copied
  /// when its own step has begun.
  std::uint16_t* bf16_copy(std::size_t index) const {
    return reinterpret_cast<std::uint16_t*>(arena_ + bf16_copies_[index]);
  }
  /// Shared by all convolutions.
  void* convolution_workspace() const { return arena_ + convolution_workspace_; }

  /// The pieces of the slab that UpdateParameters or DecayGradients goes through, and where the device finds them.
  const std::vector<UpdateSegment>& segments() const { return segments_; }
  UpdateSegment* segment_table() const { return reinterpret_cast<UpdateSegment*>(arena_ + segment_table_); }

 private:
  std::byte* address(BufferId id) const;
  void cut_slab(const std::vector<UpdateParameters::Range>& ranges);
  void take_bf16_copies();
  std::int64_t take(std::int64_t bytes);
  std::int64_t take_for_batch(std::int64_t bytes);

  const StepPlan& plan_;
  int multiprocessors_;
  std::vector<std::byte*> bound_;                               // of each bound buffer
  std::vector<std::int64_t> offsets_;                           // of each scratch buffer within the arena
  std::vector<std::pair<BufferId, std::int64_t>> odd_offsets_;  // of the doubled ones' other copies
  std::vector<std::int64_t> bf16_copies_;                       // offset of each
  std::vector<UpdateSegment> segments_;
  std::int64_t partials_ = 0, value_partials_ = 0, counters_ = 0, segment_table_ = 0, convolution_workspace_ = 0,
               next_scalars_ = 0;
  std::int64_t arena_bytes_ = 0, batch_bytes_ = 0;
  std::byte* arena_ = nullptr;
};

}  // namespace lacuna::cuda
