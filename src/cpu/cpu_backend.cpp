#include <fmt/format.h>
#include <oneapi/dnnl/dnnl.h>
#include <sched.h>
#include <sys/mman.h>

#include <cstdlib>
#include <cstring>
#include <fstream>

#include "cpu/cpu_executable.h"
#include "cpu/kernels.h"
#include "lacuna/error.h"

namespace lacuna {

namespace cpu {

namespace {

class HostBuffer final : public DeviceBuffer {
 public:
  HostBuffer(std::int64_t bytes, const std::string& purpose) : bytes_(bytes) {
    constexpr std::size_t kHugePage = std::size_t{2} << 20;
    const std::size_t alignment = static_cast<std::size_t>(bytes) >= kHugePage ? kHugePage : 64;
    const std::size_t rounded = (static_cast<std::size_t>(bytes) + 63) / 64 * 64;
    void* memory = nullptr;
    if (posix_memalign(&memory, alignment, rounded ? rounded : 64) != 0)
      throw Error(fmt::format("out of memory: {:.1f} MiB for {}", static_cast<double>(bytes) / 0x1p20, purpose));
    // Matrices of a few MB walk through fewer page-table entries this way; only advice, so failure is fine.
    if (alignment == kHugePage) madvise(memory, rounded, MADV_HUGEPAGE);
    std::memset(memory, 0, rounded ? rounded : 64);
    memory_.reset(memory);
  }
  std::int64_t bytes() const override { return bytes_; }
  void* address() override { return memory_.get(); }

 private:
  struct Free {
    void operator()(void* memory) const { std::free(memory); }
  };
  std::int64_t bytes_;
  std::unique_ptr<void, Free> memory_;
};

/// The caller's memory, looked at and never written.
class HostView final : public DeviceBuffer {
 public:
  HostView(const void* data, std::int64_t bytes) : data_(data), bytes_(bytes) {}
  std::int64_t bytes() const override { return bytes_; }
  void* address() override { return const_cast<void*>(data_); }

 private:
  const void* data_;
  std::int64_t bytes_;
};

class HostReadback final : public Readback {
 public:
  explicit HostReadback(std::vector<DeviceBuffer*> buffers) : buffers_(std::move(buffers)) {
    std::size_t bytes = 0;
    for (const DeviceBuffer* buffer : buffers_) bytes += static_cast<std::size_t>(buffer->bytes());
    copy_.resize(bytes);
  }
  void begin() override {
    std::byte* to = copy_.data();
    for (DeviceBuffer* buffer : buffers_) {
      std::memcpy(to, buffer->address(), static_cast<std::size_t>(buffer->bytes()));
      to += buffer->bytes();
    }
  }
  const std::byte* wait() override { return copy_.data(); }

 private:
  std::vector<DeviceBuffer*> buffers_;
  std::vector<std::byte> copy_;
};

int usable_cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) != 0) return 1;
  return std::max(1, CPU_COUNT(&set));
}

std::string processor_name() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    const std::size_t colon = line.find(": ");
    if (line.starts_with("model name") && colon != std::string::npos) return line.substr(colon + 2);
  }
  return "processor";
}

class CpuBackend final : public Backend {
 public:
  explicit CpuBackend(int threads) : threads_(threads > 0 ? threads : usable_cores()) {}

  DeviceDescription describe() const override {
    const dnnl_version_t* library = dnnl_version();
    return {"cpu",
            processor_name(),
            {{"threads", std::to_string(threads_)},
             {"instructions", kernels().instruction_set},
             {"oneDNN", fmt::format("{}.{}.{}", library->major, library->minor, library->patch)}}};
  }
  std::unique_ptr<DeviceBuffer> allocate(std::int64_t bytes, const std::string& purpose) override {
    return cpu::allocate(bytes, purpose);
  }
  std::unique_ptr<DeviceBuffer> place(const void* data, std::int64_t bytes, const std::string&) override {
    return std::make_unique<HostView>(data, bytes);
  }
  void upload(DeviceBuffer& to, std::int64_t offset, const void* from, std::int64_t bytes) override {
    check_range(to, offset, bytes);
    std::memcpy(static_cast<std::byte*>(to.address()) + offset, from, static_cast<std::size_t>(bytes));
  }
  void download(void* to, DeviceBuffer& from, std::int64_t offset, std::int64_t bytes) override {
    check_range(from, offset, bytes);
    std::memcpy(to, static_cast<const std::byte*>(from.address()) + offset, static_cast<std::size_t>(bytes));
  }
  std::unique_ptr<Readback> readback(std::vector<DeviceBuffer*> buffers) override {
    return std::make_unique<HostReadback>(std::move(buffers));
  }
  std::unique_ptr<Executable> compile(const StepPlan& plan, const Bindings& bindings) override {
    return cpu::compile(plan, bindings, threads_);
  }

 private:
  static void check_range(const DeviceBuffer& buffer, std::int64_t offset, std::int64_t bytes) {
    LACUNA_EXPECTS(offset >= 0 && bytes >= 0 && offset + bytes <= buffer.bytes(), "copy outside the buffer");
  }
  int threads_;
};

}  // namespace

std::unique_ptr<DeviceBuffer> allocate(std::int64_t bytes, const std::string& purpose) {
  return std::make_unique<HostBuffer>(bytes, purpose);
}

}  // namespace cpu

std::unique_ptr<Backend> make_cpu_backend(int threads) {
  return std::make_unique<cpu::CpuBackend>(threads);
}

}  // namespace lacuna
