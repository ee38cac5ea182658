#include "runtime/scheduler.h"

#include <algorithm>
#include <utility>

#include "runtime/runtime.h"

namespace simt::detail {
namespace {

/// Marks the ticket done however the work ends: work that faulted does not run again.
struct Completion {
  explicit Completion(TicketPtr done) : ticket(std::move(done)) {}
  ~Completion() {
    ticket->done = true;
    ticket->when = std::chrono::steady_clock::now();
  }
  Completion(const Completion&) = delete;
  Completion& operator=(const Completion&) = delete;
  TicketPtr ticket;
};

/// Lets launches begin that may do so beside the kernel that the stream runs next.
void begin_behind(CUstream_st& stream) {
  for (CUstream_st::Queued& next : stream.queue) {
    const bool free =
        std::all_of(next.after.begin(), next.after.end(), [](const auto& ticket) { return ticket->done; });
    if (!next.work.begin || !free) return;
    next.work.action = std::exchange(next.work.begin, nullptr)();
  }
}

}  // namespace

void Scheduler::set(Execution execution, unsigned seed) {
  deferred_ = execution == Execution::deferred;
  turn_ = seed;
  if (!deferred_) {
    for (std::size_t i = 0; i < streams_.size(); ++i) drain(*streams_[i]);
  }
}

CUstream_st* Scheduler::create(unsigned flags, int priority, int device) {
  auto stream = std::make_unique<CUstream_st>();
  stream->id = next_id_++;
  stream->flags = flags;
  stream->priority = priority;
  stream->device = device;
  streams_.push_back(std::move(stream));
  return streams_.back().get();
}

void Scheduler::destroy(CUstream_st& stream) {
  stream.destroyed = true;
}

CUstream_st* Scheduler::default_stream(std::vector<CUstream_st*>& of_devices, int device, bool legacy) {
  const auto index = static_cast<std::size_t>(device);
  if (of_devices.size() <= index) of_devices.resize(index + 1);
  if (of_devices[index] == nullptr) {
    of_devices[index] = create(cudaStreamDefault, 0, device);
    of_devices[index]->legacy = legacy;
  }
  return of_devices[index];
}

CUstream_st* Scheduler::find(cudaStream_t handle, int device) {
  if (handle == nullptr || handle == cudaStreamLegacy) return default_stream(legacy_, device, true);
  if (handle == cudaStreamPerThread) return default_stream(per_thread_, device, false);
  const auto found =
      std::find_if(streams_.begin(), streams_.end(), [&](const auto& stream) { return stream.get() == handle; });
  return found == streams_.end() || (*found)->destroyed ? nullptr : found->get();
}

bool Scheduler::is_default(const CUstream_st& stream) const {
  return std::find(legacy_.begin(), legacy_.end(), &stream) != legacy_.end() ||
         std::find(per_thread_.begin(), per_thread_.end(), &stream) != per_thread_.end();
}

std::size_t Scheduler::created() const {
  const auto live = [&](const auto& stream) { return !stream->destroyed && !is_default(*stream); };
  return static_cast<std::size_t>(std::count_if(streams_.begin(), streams_.end(), live));
}

std::vector<CUstream_st*> Scheduler::streams_of(int device) const {
  std::vector<CUstream_st*> found;
  for (const auto& stream : streams_) {
    if (stream->device == device) found.push_back(stream.get());
  }
  return found;
}

/// Work of the legacy default stream comes after all earlier work of the blocking streams, and theirs after its.
void Scheduler::join_default_stream(const CUstream_st& stream, std::vector<TicketPtr>& after) const {
  if (!stream.legacy && !stream.blocking()) return;
  for (const CUstream_st* other : streams_of(stream.device)) {
    const bool joined = stream.legacy ? other->blocking() : other->legacy;
    if (joined && !other->queue.empty()) after.push_back(other->queue.back().ticket);
  }
}

TicketPtr Scheduler::enqueue(CUstream_st& stream, Work work, std::vector<TicketPtr> after) {
  join_default_stream(stream, after);
  auto ticket = std::make_shared<Ticket>();
  ticket->stream = &stream;
  stream.queue.push_back({std::move(work), std::move(after), ticket});
  if (!deferred_) drain(stream);
  return ticket;
}

void Scheduler::run_oldest(CUstream_st& stream) {
  CUstream_st::Queued queued = std::move(stream.queue.front());
  stream.queue.pop_front();
  const Completion completion(queued.ticket);
  for (const TicketPtr& ticket : queued.after) run_until(ticket);
  if (!queued.work.action || runtime().errors.lost()) return;
  const DeviceAccess access(runtime().memory);
  try {
    if (queued.work.type == cudaGraphNodeTypeKernel) begin_behind(stream);
    queued.work.action();
  } catch (...) {
    // The device would run nothing more either, and destructors that free and wait must not meet the fault again.
    discard();
    throw;
  }
}

void Scheduler::run_until(const TicketPtr& ticket) {
  while (!ticket->done) run_oldest(*ticket->stream);
}

void Scheduler::drain(CUstream_st& stream) {
  while (!stream.queue.empty()) run_oldest(stream);
}

void Scheduler::drain_others(const CUstream_st& stream) {
  for (CUstream_st* other : streams_of(stream.device)) {
    if (other != &stream) drain(*other);
  }
}

void Scheduler::finish(const TicketPtr& ticket) {
  if (ticket->done) return;
  if (contrary()) drain_others(*ticket->stream);
  run_until(ticket);
}

void Scheduler::finish(CUstream_st& stream) {
  if (!stream.queue.empty()) finish(TicketPtr(stream.queue.back().ticket));
}

void Scheduler::finish_device(int device) {
  std::vector<CUstream_st*> streams = streams_of(device);
  if (contrary()) std::reverse(streams.begin(), streams.end());
  for (CUstream_st* stream : streams) drain(*stream);
}

void Scheduler::advance(CUstream_st& stream) {
  if (!stream.queue.empty()) run_oldest(stream);
}

void Scheduler::discard() {
  for (const auto& stream : streams_) {
    for (const auto& work : stream->queue) work.ticket->done = true;
    stream->queue.clear();
  }
}

void Scheduler::clear() {
  discard();
  for (const auto& stream : streams_) stream->destroyed = !is_default(*stream);
}

bool Scheduler::contrary() {
  return deferred_ && turn_++ % 2 == 1;
}

}  // namespace simt::detail
