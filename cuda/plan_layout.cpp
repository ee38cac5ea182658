#include "plan_layout.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "core/bf16_copies.h"
#include "lacuna/error.h"

namespace lacuna::cuda {

namespace {

std::byte* bound_address(const Buffer& buffer, const Bindings& bindings) {
  const auto found = bindings.find(buffer.name);
  LACUNA_EXPECTS(found != bindings.end() && found->second, fmt::format("{} is not bound", buffer.name));
  LACUNA_EXPECTS(
      found->second->bytes() >= buffer.bytes(),
      fmt::format("{} is bound to {} bytes, but needs {}", buffer.name, found->second->bytes(), buffer.bytes()));
  return static_cast<std::byte*>(found->second->address());
}

std::vector<UpdateSegment> segments_of(const std::vector<UpdateParameters::Range>& ranges) {
  std::vector<UpdateSegment> segments;
  for (const auto& range : ranges) {
    LACUNA_EXPECTS(range.offset % 4 == 0, "parameters must begin at a multiple of 16 bytes within their slab");
    for (std::int64_t begin = 0; begin < range.elements; begin += kSegmentElements) {
      const auto elements = std::min<std::int64_t>(kSegmentElements, range.elements - begin);
      segments.push_back({range.offset + begin, static_cast<std::int32_t>(elements), range.decays});
    }
  }
  if (segments.empty()) segments.push_back({0, 0, 0});  // the value must be written all the same
  return segments;
}

WorkspaceNeeds larger(const WorkspaceNeeds& a, const WorkspaceNeeds& b) {
  return {std::max(a.partials, b.partials), std::max(a.value_partials, b.value_partials),
          std::max(a.counters, b.counters)};
}

}  // namespace

PlanLayout::PlanLayout(const StepPlan& plan, const Bindings& bindings, const std::vector<BufferId>& doubled,
                       std::int64_t convolution_bytes, int multiprocessors, Precision precision)
    : plan_(plan), multiprocessors_(multiprocessors) {
  WorkspaceNeeds needs;
  for (const Buffer& buffer : plan.buffers) {
    bound_.push_back(buffer.kind == Buffer::Kind::bound ? bound_address(buffer, bindings) : nullptr);
    offsets_.push_back(buffer.kind == Buffer::Kind::scratch ? take_for_batch(buffer.bytes()) : 0);
    if (buffer.shape.rank() != 2) continue;
    needs = larger(needs, pass_needs(buffer.shape[0], buffer.shape[1], multiprocessors));
  }
  for (const BufferId id : doubled) odd_offsets_.emplace_back(id, take_for_batch(plan[id].bytes()));
  for (const Operation& operation : plan.operations) {
    if (const auto* update = std::get_if<UpdateParameters>(&operation)) cut_slab(update->ranges);
    if (const auto* decay = std::get_if<DecayGradients>(&operation)) cut_slab(decay->ranges);
    if (const auto* dots = std::get_if<Dots>(&operation)) {
      const auto pairs = static_cast<std::int64_t>(dots->left.size() * dots->right.size());
      needs = larger(needs, dots_needs(pairs, plan[dots->left[0]].shape.elements(), multiprocessors));
    }
  }
  needs.value_partials = std::max(needs.value_partials, static_cast<std::int64_t>(segments_.size()));
  partials_ = take(needs.partials * 4);
  value_partials_ = take(needs.value_partials * 8);
  counters_ = take(needs.counters * 4);
  segment_table_ = take(static_cast<std::int64_t>(segments_.size() * sizeof(UpdateSegment)));
  convolution_workspace_ = take_for_batch(convolution_bytes);
  next_scalars_ = take(sizeof(StepScalars));
  if (precision == Precision::bf16) take_bf16_copies();
}

PlanLayout PlanLayout::of_odd_steps() const {
  PlanLayout odd = *this;
  for (const auto& [id, offset] : odd_offsets_) odd.offsets_[static_cast<std::size_t>(id)] = offset;
  return odd;
}

void PlanLayout::cut_slab(const std::vector<UpdateParameters::Range>& ranges) {
  LACUNA_EXPECTS(segments_.empty(), "more than one pass over the parameters in a plan");
  segments_ = segments_of(ranges);
}

void PlanLayout::take_bf16_copies() {
  const Bf16Copies copies(plan_);
  for (const Bf16Copies::Copy& copy : copies.copies()) {
    const Buffer& operand = plan_[copy.of];
    const std::int64_t bytes = operand.shape.elements() * 2;
    bf16_copies_.push_back(operand.kind == Buffer::Kind::scratch ? take_for_batch(bytes) : take(bytes));
  }
}

std::int64_t PlanLayout::take(std::int64_t bytes) {
  constexpr std::int64_t kAlignment = 256;  // as cudaMalloc's: any vector load may begin there
  return std::exchange(arena_bytes_, arena_bytes_ + (bytes + kAlignment - 1) / kAlignment * kAlignment);
}

std::int64_t PlanLayout::take_for_batch(std::int64_t bytes) {
  const std::int64_t offset = take(bytes);
  batch_bytes_ += arena_bytes_ - offset;
  return offset;
}

std::byte* PlanLayout::address(BufferId id) const {
  const auto index = static_cast<std::size_t>(id);
  const Buffer& buffer = plan_[id];
  if (buffer.kind == Buffer::Kind::bound) return bound_[index];
  if (buffer.kind == Buffer::Kind::scratch) return arena_ + offsets_[index];
  return address(buffer.parent) + buffer.offset * size_of(buffer.dtype);
}

Workspace PlanLayout::workspace(cudaStream_t stream) const {
  return {stream, multiprocessors_, reinterpret_cast<float*>(arena_ + partials_),
          reinterpret_cast<double*>(arena_ + value_partials_), reinterpret_cast<unsigned*>(arena_ + counters_)};
}

}  // namespace lacuna::cuda
