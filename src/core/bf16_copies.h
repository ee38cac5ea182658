#pragma once

#include <cstddef>
#include <vector>

#include "lacuna/step_plan.h"

namespace lacuna {

/// The bfloat16 copies that a plan's matrix products read in place of their float32 operands. While a backend goes
/// through the operations in order, this knows which copies hold the operands' values at that place. None does at the
/// beginning: whoever bound the buffers may have changed them between two steps.
class Bf16Copies {
 public:
  struct Copy {
    BufferId of = kNoBuffer;  ///< or of another slice of the same memory, as tied weights are
    bool current = false;
  };

  /// A copy for each operand of a DenseForward or DenseBackward: for each piece of memory that is one.
  explicit Bf16Copies(const StepPlan& plan);

  /// In the order in which the plan comes to need them.
  const std::vector<Copy>& copies() const { return copies_; }
  /// Which of them is the copy of an operand.
  std::size_t index_of(BufferId operand) const;
  /// Whether it has to be made anew before a product reads it; after this call it counts as made.
  bool must_make(std::size_t index);
  /// The copies of what the operation has written are out of date.
  void wrote(const Operation& operation);

 private:
  struct Extent {
    BufferId buffer;  ///< that owns memory
    std::int64_t begin, end;
    bool operator==(const Extent&) const = default;
  };
  Extent extent(BufferId id) const;
  void add(BufferId operand);

  const StepPlan& plan_;
  std::vector<Copy> copies_;
};

}  // namespace lacuna
