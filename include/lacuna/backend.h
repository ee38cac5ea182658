#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "lacuna/step_plan.h"

namespace lacuna {

/// Memory of a backend. Released with the object.
class DeviceBuffer {
 public:
  virtual ~DeviceBuffer() = default;
  virtual std::int64_t bytes() const = 0;
  /// Address on the backend; only backends dereference it.
  virtual void* address() = 0;
};

/// A compiled plan.
class Executable {
 public:
  virtual ~Executable() = default;
  /// Runs up to `steps` steps in order. Returns how many were run: fewer only if `stop` became true, which is
  /// looked at between steps. Allocates nothing. May return before a device has finished; Backend::download
  /// waits.
  virtual std::int64_t run(std::int64_t steps, const std::atomic<bool>* stop = nullptr) = 0;
  /// Choices the backend made for this plan, for people: one line each.
  virtual std::vector<std::string> remarks() const { return {}; }
};

/// Copies of buffers that reach the host while later steps run.
class Readback {
 public:
  virtual ~Readback() = default;
  /// Queues a copy of the buffers as the work queued so far will leave them. Does not wait, allocates nothing.
  virtual void begin() = 0;
  /// Waits for the last begun copy, not for work queued after it. The buffers' bytes one after another; valid until the
  /// next begin().
  virtual const std::byte* wait() = 0;
};

/// What a plan's bound buffers are bound to, by name.
using Bindings = std::map<std::string, DeviceBuffer*>;

struct DeviceDescription {
  std::string kind;                                             ///< "cpu", "cuda"
  std::string name;                                             ///< processor or GPU
  std::vector<std::pair<std::string, std::string>> properties;  ///< for people: threads, vector width, libraries
};

/// THE boundary: everything above it is written once for all devices.
class Backend {
 public:
  virtual ~Backend() = default;

  virtual DeviceDescription describe() const = 0;

  /// Zeroed memory. Throws Error saying how much was asked for and for what.
  virtual std::unique_ptr<DeviceBuffer> allocate(std::int64_t bytes, const std::string& purpose) = 0;

  /// Makes host data readable on the device: a copy, or on a backend that shares host memory a view, so
  /// `data` must outlive the buffer and must not change.
  virtual std::unique_ptr<DeviceBuffer> place(const void* data, std::int64_t bytes, const std::string& purpose) = 0;

  /// Copies between host and device. download waits for the work queued before it.
  virtual void upload(DeviceBuffer& to, std::int64_t offset, const void* from, std::int64_t bytes) = 0;
  virtual void download(void* to, DeviceBuffer& from, std::int64_t offset, std::int64_t bytes) = 0;

  /// The buffers must outlive the readback.
  virtual std::unique_ptr<Readback> readback(std::vector<DeviceBuffer*> buffers) = 0;

  /// The bound buffers must outlive the executable. Run one executable of a backend at a time.
  virtual std::unique_ptr<Executable> compile(const StepPlan& plan, const Bindings& bindings) = 0;
};

/// The CPU backend. `threads` 0: one per core that this process may use. Threads are OpenMP's; the number is
/// process-wide.
std::unique_ptr<Backend> make_cpu_backend(int threads = 0);

/// "auto", "cpu", "cuda" or "cuda:N". auto takes a GPU where there is one. Throws InputError, saying why and
/// what to do, where the device asked for is not there.
std::unique_ptr<Backend> make_backend(const std::string& device, int threads = 0);

/// Every device that make_backend could use, then one line for each kind that is missing and why.
struct DeviceList {
  std::vector<DeviceDescription> devices;
  std::vector<std::string> missing;
};
DeviceList list_devices();

}  // namespace lacuna
