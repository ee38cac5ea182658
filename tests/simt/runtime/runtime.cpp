#include "runtime/runtime.h"

#include "runtime/cublas_handle.h"
#include "runtime/cublas_lt_problem.h"
#include "runtime/cudnn_handle.h"
#include "runtime/graph.h"

namespace simt::detail {
namespace {

// Never destroyed at exit: objects of the program that outlive main may still free what they hold.
Runtime* instance = nullptr;

}  // namespace

Runtime& runtime() {
  if (instance == nullptr) instance = new Runtime;
  return *instance;
}

void Runtime::reset_device() {
  for (int each = 0; each < machine.devices; ++each) scheduler.finish_device(each);
  cublas_handles.clear();
  cublas_lt_handles.clear();
  cublas_lt_operations.clear();
  cublas_lt_layouts.clear();
  cublas_lt_preferences.clear();
  cudnn_handles.clear();
  cudnn_tensors.clear();
  cudnn_filters.clear();
  cudnn_convolutions.clear();
  execs.clear();
  graphs.clear();
  events.clear();
  dynamic_shared_limits.clear();
  scheduler.clear();
  memory.clear();
}

cudaError_t submit(cudaStream_t handle, Work work, TicketPtr* ticket) {
  Runtime& rt = runtime();
  CUstream_st* stream = rt.scheduler.find(handle, rt.device);
  if (stream == nullptr || stream->device != rt.device) return cudaErrorInvalidResourceHandle;
  if (stream->legacy) {
    if (const cudaError_t refused = rt.captures.refuse_legacy(); refused != cudaSuccess) return refused;
  }
  if (stream->capture != nullptr) return record(*stream, std::move(work));
  rt.counters += work.cost;
  TicketPtr queued = rt.scheduler.enqueue(*stream, std::move(work));
  if (ticket != nullptr) *ticket = std::move(queued);
  return cudaSuccess;
}

void run_unless_lost(const std::function<void()>& action) {
  if (!runtime().errors.loses_device_now()) action();
}

}  // namespace simt::detail

namespace simt {

using detail::Place;
using detail::runtime;

void reset() {
  delete detail::instance;
  detail::instance = nullptr;
}

Counters& Counters::operator+=(const Counters& other) {
  launches += other.launches;
  programmatic += other.programmatic;
  gemms += other.gemms;
  convolutions += other.convolutions;
  graph_launches += other.graph_launches;
  host_functions += other.host_functions;
  copies_h2d += other.copies_h2d;
  copies_d2h += other.copies_d2h;
  copies_d2d += other.copies_d2d;
  memsets += other.memsets;
  bytes += other.bytes;
  synchronisations += other.synchronisations;
  pageable_copies += other.pageable_copies;
  allocations += other.allocations;
  frees += other.frees;
  pinned_allocations += other.pinned_allocations;
  pinned_frees += other.pinned_frees;
  default_workspace_captures += other.default_workspace_captures;
  return *this;
}

const Counters& counters() {
  return runtime().counters;
}

void reset_counters() {
  runtime().counters = {};
}

bool Live::nothing() const {
  return device_allocations + pinned_allocations + streams + events + graphs + graph_execs + cublas_handles +
             cublas_lt_handles + cublas_lt_descriptors + cudnn_handles + cudnn_descriptors ==
         0;
}

Live live() {
  const detail::Runtime& rt = runtime();
  Live alive;
  alive.device_allocations = rt.memory.count(Place::device);
  for (int device = 0; device < rt.machine.devices; ++device) alive.device_bytes += rt.memory.device_bytes(device);
  alive.pinned_allocations = rt.memory.count(Place::pinned);
  alive.streams = rt.scheduler.created();
  alive.events = rt.events.size();
  alive.graphs = rt.graphs.size();
  alive.graph_execs = rt.execs.size();
  alive.cublas_handles = rt.cublas_handles.size();
  alive.cublas_lt_handles = rt.cublas_lt_handles.size();
  alive.cublas_lt_descriptors =
      rt.cublas_lt_operations.size() + rt.cublas_lt_layouts.size() + rt.cublas_lt_preferences.size();
  alive.cudnn_handles = rt.cudnn_handles.size();
  alive.cudnn_descriptors = rt.cudnn_tensors.size() + rt.cudnn_filters.size() + rt.cudnn_convolutions.size();
  return alive;
}

void set_machine(const Machine& machine) {
  runtime().machine = machine;
}

void set_execution(Execution execution, unsigned seed) {
  runtime().scheduler.set(execution, seed);
}

void guard_device_memory(bool on) {
  runtime().memory.set_guard(on);
}

void fail_allocation(std::uint64_t nth) {
  runtime().errors.fail_allocation(nth);
}

void lose_device_after_work(std::uint64_t count) {
  runtime().errors.lose_after_work(count);
}

void lose_device_after_calls(std::uint64_t count) {
  runtime().errors.lose_after_calls(count);
}

}  // namespace simt
