#pragma once

#include <cstddef>
#include <cstdint>

/// What tests set and read of the fake runtime.
namespace simt {

/// Back to a fresh process: every allocation, stream, event and graph is gone, queued work is dropped, counters and
/// settings are as at the start. Call it before (or after) each test.
void reset();

/// What the program under test asked for since the last reset. Work counts when it is put into a stream; the work of a
/// graph counts each time the graph is launched, and not when it is captured.
struct Counters {
  std::uint64_t calls = 0;         ///< of the runtime by the host, of whatever kind
  std::uint64_t launches = 0;      ///< kernels; matrix products of cuBLAS are `gemms`
  std::uint64_t programmatic = 0;  ///< of them, with programmatic stream serialization
  std::uint64_t gemms = 0;         ///< calls of cuBLAS and cuBLASLt that compute
  std::uint64_t convolutions = 0;  ///< calls of cuDNN that compute
  std::uint64_t graph_launches = 0;
  std::uint64_t host_functions = 0;
  std::uint64_t copies_h2d = 0, copies_d2h = 0, copies_d2d = 0;
  std::uint64_t memsets = 0;
  std::uint64_t bytes = 0;  ///< written by copies and memsets
  /// Waits of the host: for streams, events or the device, blocking copies, and asynchronous copies into pageable
  /// memory, which block too.
  std::uint64_t synchronisations = 0;
  std::uint64_t pageable_copies = 0;         ///< asynchronous copies with pageable host memory
  std::uint64_t allocations = 0, frees = 0;  ///< of device memory
  std::uint64_t pinned_allocations = 0, pinned_frees = 0;
  /// Products captured into a graph while the handle used cuBLAS's own workspace (cublasSetStream sets it back to
  /// that): on the device, memory that grows with every capture. Must be 0.
  std::uint64_t default_workspace_captures = 0;

  Counters& operator+=(const Counters& other);
};
const Counters& counters();
void reset_counters();

/// What is alive: all 0 when nothing leaks.
struct Live {
  std::size_t device_allocations = 0, device_bytes = 0, pinned_allocations = 0;
  std::size_t streams = 0, events = 0, graphs = 0, graph_execs = 0, cublas_handles = 0;
  std::size_t cublas_lt_handles = 0, cublas_lt_descriptors = 0;
  std::size_t cudnn_handles = 0, cudnn_descriptors = 0;
  bool nothing() const;
};
Live live();

/// The machine that is emulated. Set it before the first call of the program under test.
struct Machine {
  int devices = 1;
  int driver_version = 13000;                        ///< 0: there is no driver
  std::size_t device_memory = std::size_t{4} << 30;  ///< of each device
  int multiprocessors = 132;                         ///< fewer: programs that fill the device launch fewer blocks
  std::size_t shared_memory = 227 * 1024;            ///< that a block may ask for
  bool cooperative_launch = true;
  bool has_kernel_image = true;  ///< false: the program's kernels are built for other devices only
};
void set_machine(const Machine& machine);

/// When queued work runs.
///   immediate  when it is queued;
///   deferred   only when something waits for it: a synchronisation, a query, a blocking copy; asynchronous copies with
///              pageable memory are no such thing. Streams and events define the order, and nothing else: at each wait,
///              the other streams' work runs in turn before (as far as it can) or not at all, and the nodes of a graph
///              run in turn in the first and in the last order that their edges allow. The lowest bit of `seed` says
///              with which of the two it begins: run a test with both.
enum class Execution { immediate, deferred };
void set_execution(Execution execution, unsigned seed = 0);

/// Under AddressSanitizer device memory is poisoned while no queued work runs, so that a host function that reads or
/// writes through a device pointer is reported. On by default; costs time in proportion to the memory allocated.
void guard_device_memory(bool on);

// Failures, all of them off after reset().
/// The nth allocation from now (1: the next), of device or pinned memory, fails with cudaErrorMemoryAllocation.
void fail_allocation(std::uint64_t nth);
/// The device is lost when it comes to the kernel, product, copy or memset after `count` more: that does not run, nor
/// does anything after it, and every call from then on returns cudaErrorLaunchFailure.
void lose_device_after_work(std::uint64_t count);
/// The device is lost in the call after `count` more that need the device.
void lose_device_after_calls(std::uint64_t count);

}  // namespace simt
