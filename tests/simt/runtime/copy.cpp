#include <cstring>
#include <string>
#include <vector>

#include "device/launch.h"
#include "runtime/runtime.h"

using simt::detail::Block;
using simt::detail::call;
using simt::detail::Place;
using simt::detail::Runtime;
using simt::detail::runtime;
using simt::detail::TicketPtr;
using simt::detail::Work;

namespace {

/// `height` rows of `width` bytes, `pitch` bytes apart. A plain range is one row.
struct Region {
  char* base = nullptr;
  std::size_t pitch = 0, width = 0, height = 1;

  std::size_t span() const { return (height - 1) * pitch + width; }
  std::size_t bytes() const { return width * height; }
  bool is_empty() const { return width == 0 || height == 0; }
  char* row(std::size_t index) const { return base + index * pitch; }
};

Region range(const void* base, std::size_t bytes) {
  return {static_cast<char*>(const_cast<void*>(base)), bytes, bytes, 1};
}

struct End {
  Region region;
  Place place = Place::pageable;
};

struct Copy {
  End to, from;
};

Place place_of(const Region& region) {
  const Block* block = runtime().memory.find(region.base);
  return block == nullptr ? Place::pageable : block->place;
}

/// Whether a region that begins in device or pinned memory stays within its allocation.
bool fits(const Region& region) {
  const Block* block = runtime().memory.find(region.base);
  if (block == nullptr) return true;
  return !block->freeing && region.span() <= block->size - static_cast<std::size_t>(region.base - block->base);
}

void require_live(const End& end, const char* what) {
  if (end.place != Place::pageable) runtime().memory.require(end.region.base, end.region.span(), what);
}

void run_copy(const Copy& copy) {
  require_live(copy.to, "the target of a copy");
  require_live(copy.from, "the source of a copy");
  const Region& to = copy.to.region;
  const Region& from = copy.from.region;
  if (to.base < from.base + from.span() && from.base < to.base + to.span()) {
    throw simt::Fault("source and target of a copy overlap");
  }
  for (std::size_t row = 0; row < to.height; ++row) std::memcpy(to.row(row), from.row(row), to.width);
}

/// A copy whose pageable source is read now.
std::function<void()> staged(Copy copy) {
  auto bytes = std::make_shared<std::vector<char>>(copy.from.region.bytes());
  const Region source = copy.from.region;
  copy.from.region = {bytes->data(), source.width, source.width, source.height};
  for (std::size_t row = 0; row < source.height; ++row) {
    std::memcpy(copy.from.region.row(row), source.row(row), source.width);
  }
  return [copy, bytes] { run_copy(copy); };
}

bool is_host(Place place) {
  return place != Place::device;
}

cudaError_t check_direction(const Copy& copy, cudaMemcpyKind kind) {
  const bool to_host = is_host(copy.to.place);
  const bool from_host = is_host(copy.from.place);
  switch (kind) {
    case cudaMemcpyHostToHost:
      return to_host && from_host ? cudaSuccess : cudaErrorInvalidValue;
    case cudaMemcpyHostToDevice:
      return !to_host && from_host ? cudaSuccess : cudaErrorInvalidValue;
    case cudaMemcpyDeviceToHost:
      return to_host && !from_host ? cudaSuccess : cudaErrorInvalidValue;
    case cudaMemcpyDeviceToDevice:
      return !to_host && !from_host ? cudaSuccess : cudaErrorInvalidValue;
    case cudaMemcpyDefault:
      return cudaSuccess;
  }
  return cudaErrorInvalidMemcpyDirection;
}

simt::Counters cost_of(const Copy& copy) {
  simt::Counters cost;
  const bool to_host = is_host(copy.to.place);
  const bool from_host = is_host(copy.from.place);
  cost.copies_h2d = !to_host && from_host;
  cost.copies_d2h = to_host && !from_host;
  cost.copies_d2d = !to_host && !from_host;
  cost.bytes = copy.to.region.bytes();
  return cost;
}

Work work_of(const Copy& copy) {
  Work work;
  work.type = cudaGraphNodeTypeMemcpy;
  work.cost = cost_of(copy);
  work.action = [copy] { simt::detail::run_unless_lost([&] { run_copy(copy); }); };
  return work;
}

bool is_captured(cudaStream_t handle) {
  const CUstream_st* stream = runtime().scheduler.find(handle, runtime().device);
  return stream != nullptr && stream->capture != nullptr;
}

cudaError_t submit_async(const Copy& copy, cudaStream_t stream) {
  Work work = work_of(copy);
  const bool from_pageable = copy.from.place == Place::pageable;
  const bool to_pageable = copy.to.place == Place::pageable;
  work.cost.pageable_copies = from_pageable || to_pageable;
  // A captured copy reads the host's memory when the graph is launched, and never waits.
  if (is_captured(stream)) return submit(stream, std::move(work));
  // "Might be synchronous", says the manual of copies with pageable memory: nobody may rely on it, nor on the opposite.
  const bool at_once = !runtime().scheduler.deferred();
  if (from_pageable && at_once) {
    work.action = [copy_now = staged(copy)] { simt::detail::run_unless_lost(copy_now); };
  }
  work.cost.synchronisations = to_pageable;
  TicketPtr ticket;
  const cudaError_t result = submit(stream, std::move(work), &ticket);
  if (result == cudaSuccess && to_pageable && at_once) runtime().scheduler.finish(ticket);
  return result;
}

/// In the legacy default stream; the host waits unless both ends are on the device.
cudaError_t submit_blocking(const Copy& copy) {
  Runtime& rt = runtime();
  if (const cudaError_t refused = rt.captures.refuse_legacy(); refused != cudaSuccess) return refused;
  if (const cudaError_t refused = rt.captures.refuse_unsafe(); refused != cudaSuccess) return refused;
  Work work = work_of(copy);
  const bool waits = is_host(copy.to.place) || is_host(copy.from.place);
  work.cost.synchronisations = waits;
  TicketPtr ticket;
  const cudaError_t result = submit(cudaStreamLegacy, std::move(work), &ticket);
  if (result == cudaSuccess && waits) rt.scheduler.finish(ticket);
  return result;
}

template <typename Submit>
cudaError_t copy_regions(const Region& to, const Region& from, cudaMemcpyKind kind, Submit&& submit_copy) {
  return call([&]() -> cudaError_t {
    if (kind < cudaMemcpyHostToHost || kind > cudaMemcpyDefault) return cudaErrorInvalidMemcpyDirection;
    if (to.width > to.pitch || from.width > from.pitch) return cudaErrorInvalidPitchValue;
    if (to.is_empty()) return cudaSuccess;
    if (to.base == nullptr || from.base == nullptr) return cudaErrorInvalidValue;
    const Copy copy{{to, place_of(to)}, {from, place_of(from)}};
    if (const cudaError_t wrong = check_direction(copy, kind); wrong != cudaSuccess) return wrong;
    if (!fits(to) || !fits(from)) return cudaErrorInvalidValue;
    return submit_copy(copy);
  });
}

cudaError_t fill(const Region& region, int value, cudaStream_t stream) {
  return call([&]() -> cudaError_t {
    if (region.width > region.pitch) return cudaErrorInvalidPitchValue;
    if (region.is_empty()) return cudaSuccess;
    const End target{region, place_of(region)};
    if (target.place == Place::pageable || !fits(region)) return cudaErrorInvalidValue;
    Work work;
    work.type = cudaGraphNodeTypeMemset;
    work.cost.memsets = 1;
    work.cost.bytes = region.bytes();
    work.action = [target, value] {
      simt::detail::run_unless_lost([&] {
        require_live(target, "the target of a memset");
        const Region& to = target.region;
        for (std::size_t row = 0; row < to.height; ++row) std::memset(to.row(row), value, to.width);
      });
    };
    return submit(stream, std::move(work));
  });
}

}  // namespace

cudaError_t cudaMemcpy(void* to, const void* from, std::size_t count, cudaMemcpyKind kind) {
  return copy_regions(range(to, count), range(from, count), kind, submit_blocking);
}

cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t count, cudaMemcpyKind kind, cudaStream_t stream) {
  return copy_regions(range(to, count), range(from, count), kind,
                      [&](const Copy& copy) { return submit_async(copy, stream); });
}

cudaError_t cudaMemcpy2D(void* to, std::size_t to_pitch, const void* from, std::size_t from_pitch, std::size_t width,
                         std::size_t height, cudaMemcpyKind kind) {
  const Region source{static_cast<char*>(const_cast<void*>(from)), from_pitch, width, height};
  return copy_regions({static_cast<char*>(to), to_pitch, width, height}, source, kind, submit_blocking);
}

cudaError_t cudaMemcpy2DAsync(void* to, std::size_t to_pitch, const void* from, std::size_t from_pitch,
                              std::size_t width, std::size_t height, cudaMemcpyKind kind, cudaStream_t stream) {
  const Region source{static_cast<char*>(const_cast<void*>(from)), from_pitch, width, height};
  return copy_regions({static_cast<char*>(to), to_pitch, width, height}, source, kind,
                      [&](const Copy& copy) { return submit_async(copy, stream); });
}

cudaError_t cudaMemset(void* pointer, int value, std::size_t count) {
  return fill(range(pointer, count), value, cudaStreamLegacy);
}

cudaError_t cudaMemsetAsync(void* pointer, int value, std::size_t count, cudaStream_t stream) {
  return fill(range(pointer, count), value, stream);
}

cudaError_t cudaMemset2DAsync(void* pointer, std::size_t pitch, int value, std::size_t width, std::size_t height,
                              cudaStream_t stream) {
  return fill({static_cast<char*>(pointer), pitch, width, height}, value, stream);
}
