#include "fuse.h"

#include <algorithm>
#include <iterator>

namespace lacuna::cuda {

namespace {

template <class T>
const T* as(const FusedOperation& fused) {
  return fused.rider ? nullptr : std::get_if<T>(fused.operation);
}

bool joins_gather(const BeginStep& begin, const FusedOperation& next) {
  const auto* gather = as<Gather>(next);
  return gather && gather->state == begin.state;
}

bool joins_update(const EndStep& end, const FusedOperation& before) {
  const auto* update = as<UpdateParameters>(before);
  return update && update->scalars == end.scalars;
}

/// Whether the operation's last kernel is a pass that writes the sums which the penalty is made of.
bool sums_up_code(const FusedOperation& fused, const SparsityPenalty& penalty) {
  const auto writes_sums = [&](const auto* op) {
    return op && op->column_sums == penalty.column_sums &&
           (penalty.column_abs_sums == kNoBuffer || op->column_abs_sums == penalty.column_abs_sums);
  };
  return writes_sums(as<DenseForward>(fused)) || writes_sums(as<BiasActivation>(fused)) || writes_sums(as<TopK>(fused));
}

/// Layers further on, which neither read nor write anything of the penalty's.
bool lets_pass(const FusedOperation& fused, const SparsityPenalty& penalty) {
  if (const auto* spread = as<SpreadChannels>(fused)) return spread->channels != penalty.column_gradient;
  return as<DenseForward>(fused) || as<BiasActivation>(fused) || as<ConvolutionForward>(fused) || as<Noise>(fused);
}

/// The operation that the penalty can ride with; null where there is none.
FusedOperation* carrier(std::vector<FusedOperation>& before, const SparsityPenalty& penalty) {
  if (penalty.positions != 1) return nullptr;
  for (auto it = before.rbegin(); it != before.rend(); ++it) {
    if (sums_up_code(*it, penalty)) return &*it;
    if (!lets_pass(*it, penalty)) return nullptr;
  }
  return nullptr;
}

}  // namespace

std::vector<FusedOperation> fuse(const StepPlan& plan) {
  std::vector<FusedOperation> result;
  for (const Operation& operation : plan.operations) {
    FusedOperation next{&operation};
    FusedOperation* last = result.empty() ? nullptr : &result.back();
    const auto* begin = last ? as<BeginStep>(*last) : nullptr;
    if (begin && joins_gather(*begin, next)) {
      *last = {&operation, last->operation};
      continue;
    }
    if (const auto* penalty = as<SparsityPenalty>(next))
      last = carrier(result, *penalty);
    else if (const auto* end = as<EndStep>(next); !end || !last || !joins_update(*end, *last))
      last = nullptr;
    if (last)
      last->rider = &operation;
    else
      result.push_back(next);
  }
  return result;
}

}  // namespace lacuna::cuda
