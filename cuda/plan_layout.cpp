#include "plan_layout.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

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

std::vector<UpdateSegment> segments_of(const UpdateParameters& op) {
  std::vector<UpdateSegment> segments;
  for (const auto& range : op.ranges)
    for (std::int64_t begin = 0; begin < range.elements; begin += kSegmentElements) {
      const auto elements = std::min<std::int64_t>(kSegmentElements, range.elements - begin);
      segments.push_back({range.offset + begin, static_cast<std::int32_t>(elements), range.decays});
    }
  if (segments.empty()) segments.push_back({0, 0, 0});  // the value must be written all the same
  return segments;
}

}  // namespace

PlanLayout::PlanLayout(const StepPlan& plan, const Bindings& bindings, int multiprocessors)
    : plan_(plan), multiprocessors_(multiprocessors) {
  WorkspaceNeeds needs;
  for (const Buffer& buffer : plan.buffers) {
    bound_.push_back(buffer.kind == Buffer::Kind::bound ? bound_address(buffer, bindings) : nullptr);
    offsets_.push_back(buffer.kind == Buffer::Kind::scratch ? take(buffer.bytes()) : 0);
    if (buffer.shape.rank() != 2) continue;
    const WorkspaceNeeds one = pass_needs(buffer.shape[0], buffer.shape[1], multiprocessors);
    needs.partials = std::max(needs.partials, one.partials);
    needs.value_partials = std::max(needs.value_partials, one.value_partials);
    needs.counters = std::max(needs.counters, one.counters);
  }
  for (const Operation& operation : plan.operations)
    if (const auto* update = std::get_if<UpdateParameters>(&operation)) segments_ = segments_of(*update);
  needs.value_partials = std::max(needs.value_partials, static_cast<std::int64_t>(segments_.size()));
  partials_ = take(needs.partials * 4);
  value_partials_ = take(needs.value_partials * 8);
  counters_ = take(needs.counters * 4);
  segment_table_ = take(static_cast<std::int64_t>(segments_.size() * sizeof(UpdateSegment)));
}

std::int64_t PlanLayout::take(std::int64_t bytes) {
  constexpr std::int64_t kAlignment = 256;  // as cudaMalloc's: any vector load may begin there
  return std::exchange(arena_bytes_, arena_bytes_ + (bytes + kAlignment - 1) / kAlignment * kAlignment);
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
