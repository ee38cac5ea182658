#include <fmt/format.h>
#include <sched.h>
#include <sys/mman.h>

#include <cstdlib>
#include <cstring>
#include <fstream>

#include "cpu/cpu_executable.h"
#include "cpu/gemm.h"
#include "cpu/gemm_bf16.h"
#include "cpu/kernels.h"
#include "cpu/split_gemm.h"
#include "lacuna/error.h"

namespace lacuna {

namespace cpu {

namespace {

constexpr std::size_t kHugePage = std::size_t{2} << 20;

/// Shuffled samples lie on other pages each time, and to look one up takes longer than to read it. Memory that is there
/// already is gathered into huge pages at once (Linux 6.1; before, the kernel does so when it comes round). Only
/// advice, so failure is fine.
void ask_for_huge_pages(const void* data, std::int64_t bytes) {
  constexpr int kCollapse = 25;  // MADV_COLLAPSE
  const auto begin = (reinterpret_cast<std::uintptr_t>(data) + kHugePage - 1) / kHugePage * kHugePage;
  const auto end =
      (reinterpret_cast<std::uintptr_t>(data) + static_cast<std::uintptr_t>(bytes)) / kHugePage * kHugePage;
  if (begin >= end) return;
  void* const memory = reinterpret_cast<void*>(begin);
  madvise(memory, end - begin, MADV_HUGEPAGE);
  madvise(memory, end - begin, kCollapse);
}

class HostBuffer final : public DeviceBuffer {
 public:
  HostBuffer(std::int64_t bytes, const std::string& purpose) : bytes_(bytes) {
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
  HostView(const void* data, std::int64_t bytes) : data_(data), bytes_(bytes) { ask_for_huge_pages(data, bytes); }
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

/// The host writes where the plan reads: who fills the feed keeps the two apart.
class HostFeed final : public Feed {
 public:
  HostFeed(std::int64_t bytes, const std::string& purpose) : buffer_(bytes, purpose) {}
  DeviceBuffer& buffer() override { return buffer_; }
  std::byte* staging() override { return static_cast<std::byte*>(buffer_.address()); }
  std::int64_t mark() override { return 0; }
  void send(std::int64_t offset, std::int64_t bytes, std::int64_t) override {
    LACUNA_EXPECTS(offset >= 0 && bytes >= 0 && offset + bytes <= buffer_.bytes(), "copy outside the buffer");
  }
  void receive() override {}
  void wait_sent() override {}

 private:
  HostBuffer buffer_;
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
  CpuBackend(int threads, Precision precision)
      : threads_(threads > 0 ? threads : usable_cores()), precision_(precision) {}

  DeviceDescription describe() const override {
    const GemmLibrary library = gemm_library();
    return {"cpu",
            processor_name(),
            {{"threads", std::to_string(threads_)},
             {"instructions", std::string(kernels().instruction_set) + (has_split_gemm() ? " and AMX" : "")},
             {library.name, library.version}}};
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
  std::unique_ptr<Feed> feed(std::int64_t bytes, const std::string& purpose) override {
    return std::make_unique<HostFeed>(bytes, purpose);
  }
  std::int64_t memory_bytes() const override { return 0; }
  std::unique_ptr<Executable> compile(const StepPlan& plan, const Bindings& bindings) override {
    return cpu::compile(plan, bindings, threads_, precision_);
  }
  std::unique_ptr<Executable> compile_timed(const StepPlan& plan, const Bindings& bindings,
                                            std::vector<OperationTime>& times) override {
    return cpu::compile(plan, bindings, threads_, precision_, &times);
  }

 private:
  static void check_range(const DeviceBuffer& buffer, std::int64_t offset, std::int64_t bytes) {
    LACUNA_EXPECTS(offset >= 0 && bytes >= 0 && offset + bytes <= buffer.bytes(), "copy outside the buffer");
  }
  int threads_;
  Precision precision_;
};

}  // namespace

std::unique_ptr<DeviceBuffer> allocate(std::int64_t bytes, const std::string& purpose) {
  return std::make_unique<HostBuffer>(bytes, purpose);
}

std::unique_ptr<Backend> make_backend(const BackendOptions& options) {
  if (options.precision == Precision::tf32)
    throw InputError("--precision tf32 is a format of GPUs; the device is cpu: use fp32");
  if (options.precision == Precision::bf16)
    if (const std::string why = why_no_bf16(); !why.empty())
      throw InputError(fmt::format("--precision bf16 is not to be had on device cpu: {}; use fp32", why));
  return std::make_unique<CpuBackend>(options.threads, options.precision);
}

}  // namespace cpu

std::unique_ptr<Backend> make_cpu_backend(int threads) {
  return cpu::make_backend({.threads = threads});
}

}  // namespace lacuna
