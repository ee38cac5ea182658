#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
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

/// How a GPU runs a training step.
///   automatic  resident where it can run the plan and is clearly faster, by measuring both for a moment on copies;
///              else graph. Results differ in the last bits: Executable::engine() is to be recorded;
///   graph      its operations as kernels and library calls, captured once and replayed;
///   resident   one kernel that stays on the device for many steps, for networks that fit into shared memory.
enum class Engine : std::uint8_t { automatic, graph, resident };

/// Algorithms of matrix products, by shape: both as a GPU's library counts them.
using ProductAlgorithms = std::map<std::string, std::string>;

/// How a GPU's graph engine computes the dense products of training steps. Algorithms that split the sums differ in
/// the last bits: Executable::products() is to be recorded.
struct ProductOptions {
  bool measured = false;  ///< the fastest of several algorithms, by measuring each shape for a moment
  /// Else these, for the shapes that they name; all other products by the library's own choice.
  ProductAlgorithms algorithms = {};
  /// Else the first algorithm that computes several such products as one call with the bits that each has alone, as the
  /// models of a ModelGroup need it; that is tried for each shape.
  bool batched = false;
};

/// Models that are trained at the same time on one device, each by a thread and a backend of its own. Those whose steps
/// have the same products, by algorithms that allow it (ProductOptions::batched), make them together. For
/// BackendOptions.
class ModelGroup {
 public:
  virtual ~ModelGroup() = default;
};

/// A compiled plan.
class Executable {
 public:
  virtual ~Executable() = default;
  /// Runs up to `steps` steps in order. Returns how many were run: fewer only if `stop` became true, which is
  /// looked at between steps, on a GPU between launches of up to 64 steps. Allocates nothing. May return before a
  /// device has finished; Backend::download waits.
  virtual std::int64_t run(std::int64_t steps, const std::atomic<bool>* stop = nullptr) = 0;
  /// Choices the backend made for this plan, for people: one line each.
  virtual std::vector<std::string> remarks() const { return {}; }
  /// What Engine::automatic measured to be faster for this plan; automatic where there was nothing to measure.
  virtual Engine engine() const { return Engine::automatic; }
  /// The algorithms of products that are not the library's own choice: with them as ProductOptions, nothing is measured
  /// and the bits are the same.
  virtual ProductAlgorithms products() const { return {}; }
};

/// When one operation of one step ran.
struct OperationTime {
  std::int32_t operation = 0;  ///< its place in the plan
  double begin = 0;            ///< seconds since the first step that was timed began
  double seconds = 0;
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

/// A buffer that the host fills, part after part, while the device works on other parts of it.
class Feed {
 public:
  virtual ~Feed() = default;
  virtual DeviceBuffer& buffer() = 0;
  /// Host memory of the buffer's size, in which its next content is written, by any thread. On a device that shares the
  /// host's memory it is the buffer itself: what work still to be run reads must not be written over.
  virtual std::byte* staging() = 0;
  /// The work queued so far, for send().
  virtual std::int64_t mark() = 0;
  /// Queues the copy of a part of staging() to its place in the buffer, after the work up to a mark: the last that
  /// reads what lies there. Later work may run meanwhile. Does not wait, allocates nothing.
  virtual void send(std::int64_t offset, std::int64_t bytes, std::int64_t after) = 0;
  /// Work queued from now on sees what was sent. Does not wait.
  virtual void receive() = 0;
  /// Waits until all that was sent has left staging(), so that it may be written over.
  virtual void wait_sent() = 0;
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

  /// Zeroed, `bytes` on the device and as much for staging. Throws as allocate does.
  virtual std::unique_ptr<Feed> feed(std::int64_t bytes, const std::string& purpose) = 0;

  /// Bytes of memory of its own that the device has in all; 0 where it works in the host's.
  virtual std::int64_t memory_bytes() const = 0;

  /// The bound buffers must outlive the executable. To choose how it computes, a backend may look at rows of a bound
  /// data set, spread evenly over it. Run one executable of a backend at a time.
  virtual std::unique_ptr<Executable> compile(const StepPlan& plan, const Bindings& bindings) = 0;

  /// As compile(), but each operation of each step is timed, and appended to `times`, which must outlive the
  /// executable. A GPU is given the operations one by one then, and not as a graph, so that launching them shows. What
  /// a backend computes as part of another operation has no time of its own. A backend that cannot tell leaves `times`
  /// empty.
  virtual std::unique_ptr<Executable> compile_timed(const StepPlan& plan, const Bindings& bindings,
                                                    std::vector<OperationTime>& /*times*/) {
    return compile(plan, bindings);
  }

  /// For models that are trained at the same time on this device; null where a backend has no use for it.
  virtual std::shared_ptr<ModelGroup> make_group() const { return nullptr; }
};

/// The CPU backend. `threads` 0: one per core that this process may use. Threads are OpenMP's: each thread that runs
/// executables has a team of its own, so that several backends can be at work at once.
std::unique_ptr<Backend> make_cpu_backend(int threads = 0);

/// What matrix products and convolutions compute in. Parameters, moments and sums are float32 throughout.
///   fp32  float32;
///   tf32  operands rounded to 10 bits of mantissa, sums in float32 (tensor cores);
///   bf16  operands rounded to 7 bits of mantissa, sums in float32.
enum class Precision : std::uint8_t { fp32, tf32, bf16 };

const char* to_string(Precision precision);
const char* to_string(Engine engine);
/// "default", "measured", "batched", or "SHAPE=ALGORITHM,...".
std::string to_string(const ProductOptions& products);
/// Throw InputError naming the words they know.
Precision parse_precision(std::string_view word);
Engine parse_engine(std::string_view word);
ProductOptions parse_products(std::string_view word);

struct BackendOptions {
  int threads = 0;  ///< CPU: as in make_cpu_backend
  Precision precision = Precision::fp32;
  Engine engine = Engine::automatic;       ///< the CPU backend has one only
  ProductOptions products = {};            ///< GPU
  int multiprocessors = 0;                 ///< GPU: so many a resident model takes, beside others; 0: all
  std::shared_ptr<ModelGroup> group = {};  ///< GPU, engine graph: who else is trained meanwhile
};

/// "auto", "cpu", "cuda" or "cuda:N". auto takes a GPU where there is one. Throws InputError, saying why and
/// what to do, where the device asked for is not there or cannot do what the options ask for.
std::unique_ptr<Backend> make_backend(const std::string& device, const BackendOptions& options = {});

/// Every device that make_backend could use, then one line for each kind that is missing and why.
struct DeviceList {
  std::vector<DeviceDescription> devices;
  std::vector<std::string> missing;
};
DeviceList list_devices();

}  // namespace lacuna
