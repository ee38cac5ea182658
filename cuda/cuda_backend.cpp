#include "cuda_backend.h"

#include <fmt/format.h>

#include "cuda_executable.h"
#include "devices.h"
#include "lacuna/error.h"
#include "runtime/event.h"

namespace lacuna::cuda {

namespace {

constexpr const char* kMoreRoom = "use fewer samples (--limit), fewer hidden units or a larger GPU";

void check_range(const DeviceBuffer& buffer, std::int64_t offset, std::int64_t bytes) {
  LACUNA_EXPECTS(offset >= 0 && bytes >= 0 && offset + bytes <= buffer.bytes(), "copy outside the buffer");
}

/// Copies into pinned memory, so that the host does not wait for the copy.
class CudaReadback final : public Readback {
 public:
  CudaReadback(std::vector<DeviceBuffer*> buffers, cudaStream_t stream)
      : buffers_(std::move(buffers)), stream_(stream), memory_(total_bytes(buffers_)) {}

  void begin() override {
    std::byte* to = memory_.get();
    for (DeviceBuffer* buffer : buffers_) {
      const auto bytes = static_cast<std::size_t>(buffer->bytes());
      LACUNA_CUDA(cudaMemcpyAsync(to, buffer->address(), bytes, cudaMemcpyDeviceToHost, stream_));
      to += bytes;
    }
    copied_.record(stream_);
  }
  const std::byte* wait() override {
    copied_.synchronize();
    return memory_.get();
  }

 private:
  static std::int64_t total_bytes(const std::vector<DeviceBuffer*>& buffers) {
    std::int64_t bytes = 0;
    for (const DeviceBuffer* buffer : buffers) bytes += buffer->bytes();
    return bytes;
  }

  std::vector<DeviceBuffer*> buffers_;
  cudaStream_t stream_;
  PinnedMemory memory_;
  Event copied_;
};

}  // namespace

CudaBackend::CudaBackend(int index)
    : index_(index), multiprocessors_(use_device(index)), stream_(), cublas_(stream_.get()) {}

CudaBackend::~CudaBackend() {
  // Buffers and graphs may be gone before the work that uses them; nobody may free the stream's memory under it.
  ignore(cudaStreamSynchronize(stream_.get()));
}

DeviceDescription CudaBackend::describe() const {
  return describe_device(index_);
}

std::unique_ptr<DeviceBuffer> CudaBackend::allocate(std::int64_t bytes, const std::string& purpose) {
  DeviceMemory memory(bytes, purpose, kMoreRoom);
  LACUNA_CUDA(cudaMemsetAsync(memory.get(), 0, static_cast<std::size_t>(bytes), stream_.get()));
  return std::make_unique<CudaBuffer>(std::move(memory));
}

std::unique_ptr<DeviceBuffer> CudaBackend::place(const void* data, std::int64_t bytes, const std::string& purpose) {
  auto buffer = std::make_unique<CudaBuffer>(DeviceMemory(bytes, purpose, kMoreRoom));
  upload(*buffer, 0, data, bytes);
  return buffer;
}

void CudaBackend::upload(DeviceBuffer& to, std::int64_t offset, const void* from, std::int64_t bytes) {
  check_range(to, offset, bytes);
  // From pageable memory: returns when the source has been read.
  LACUNA_CUDA(cudaMemcpyAsync(static_cast<std::byte*>(to.address()) + offset, from, static_cast<std::size_t>(bytes),
                              cudaMemcpyHostToDevice, stream_.get()));
}

void CudaBackend::download(void* to, DeviceBuffer& from, std::int64_t offset, std::int64_t bytes) {
  check_range(from, offset, bytes);
  LACUNA_CUDA(cudaMemcpyAsync(to, static_cast<const std::byte*>(from.address()) + offset,
                              static_cast<std::size_t>(bytes), cudaMemcpyDeviceToHost, stream_.get()));
  stream_.synchronize();
}

std::unique_ptr<Readback> CudaBackend::readback(std::vector<DeviceBuffer*> buffers) {
  return std::make_unique<CudaReadback>(std::move(buffers), stream_.get());
}

std::unique_ptr<Executable> CudaBackend::compile(const StepPlan& plan, const Bindings& bindings) {
  return cuda::compile(plan, bindings, stream_, cublas_, multiprocessors_);
}

}  // namespace lacuna::cuda
