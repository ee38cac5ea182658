#pragma once

#include <chrono>
#include <deque>
#include <memory>
#include <vector>

#include "runtime/api.h"
#include "runtime/work.h"

namespace simt::detail {

struct Capture;

/// A point in a stream: done when everything queued up to it has run.
struct Ticket {
  CUstream_st* stream = nullptr;
  bool done = false;
  std::chrono::steady_clock::time_point when{};
};
using TicketPtr = std::shared_ptr<Ticket>;

}  // namespace simt::detail

struct CUstream_st {
  struct Queued {
    simt::detail::Work work;
    std::vector<simt::detail::TicketPtr> after;
    simt::detail::TicketPtr ticket;
  };

  unsigned long long id = 0;
  unsigned flags = 0;
  int priority = 0;
  int device = 0;
  bool legacy = false;
  bool destroyed = false;  ///< by the program; its work still runs, and its address is not used again
  std::deque<Queued> queue;
  /// While it is captured: the capture, and the nodes that the next node comes after.
  std::shared_ptr<simt::detail::Capture> capture;
  std::vector<cudaGraphNode_t> tail;

  bool blocking() const { return !legacy && (flags & cudaStreamNonBlocking) == 0; }
};

namespace simt::detail {

/// The streams and the work queued in them. What order the work runs in is what control.h says.
class Scheduler {
 public:
  void set(Execution execution, unsigned seed);
  bool deferred() const { return deferred_; }

  CUstream_st* create(unsigned flags, int priority, int device);
  void destroy(CUstream_st& stream);
  /// The stream behind a handle, or null. `device` says whose default stream is meant.
  CUstream_st* find(cudaStream_t handle, int device);
  std::size_t created() const;

  /// Queues the work behind what the stream holds and behind `after`.
  TicketPtr enqueue(CUstream_st& stream, Work work, std::vector<TicketPtr> after = {});
  /// The host waits.
  void finish(const TicketPtr& ticket);
  void finish(CUstream_st& stream);
  void finish_device(int device);
  /// The host looks: runs the oldest work of the stream, so that a loop of queries ends.
  void advance(CUstream_st& stream);
  /// Drops all queued work.
  void discard();
  /// Drops all queued work and destroys the program's streams.
  void clear();
  /// The next of the alternating choices: true, the unusual order. Always false in immediate execution.
  bool contrary();

 private:
  bool is_default(const CUstream_st& stream) const;
  CUstream_st* default_stream(std::vector<CUstream_st*>& of_devices, int device, bool legacy);
  std::vector<CUstream_st*> streams_of(int device) const;
  void join_default_stream(const CUstream_st& stream, std::vector<TicketPtr>& after) const;
  void run_oldest(CUstream_st& stream);
  void run_until(const TicketPtr& ticket);
  void drain(CUstream_st& stream);
  void drain_others(const CUstream_st& stream);

  std::vector<std::unique_ptr<CUstream_st>> streams_;
  std::vector<CUstream_st*> legacy_, per_thread_;  ///< by device
  unsigned long long next_id_ = 1;
  bool deferred_ = false;
  unsigned turn_ = 0;
};

}  // namespace simt::detail
