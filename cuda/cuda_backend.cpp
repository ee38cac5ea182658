#include "cuda_backend.h"

#include <fmt/format.h>

#include <algorithm>

#include "cuda_executable.h"
#include "cuda_feed.h"
#include "devices.h"
#include "lacuna/error.h"
#include "placed_data.h"
#include "resident/resident_plan.h"
#include "runtime/event.h"
#include "timed_executable.h"
#include "together/joint_executable.h"

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

  /// The memory must not go while something is copied into it: a run that ends with an error does not wait.
  ~CudaReadback() override { ignore(cudaStreamSynchronize(stream_)); }

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

CudaBackend::CudaBackend(int index, const BackendOptions& options)
    : index_(index),
      options_(options),
      group_(dynamic_cast<JointModels*>(options.group.get())),
      multiprocessors_(use_device(index)),
      engines_(options.engine, options.precision,
               options.multiprocessors > 0 ? std::min(options.multiprocessors, multiprocessors_) : multiprocessors_),
      stream_(),
      cublas_(stream_.get(), options.precision),
      products_(stream_, cublas_, options.products),
      cudnn_(stream_.get(), options.precision != Precision::fp32) {
  LACUNA_EXPECTS(group_ || !options.group, "a group that another kind of backend has made");
}

CudaBackend::~CudaBackend() {
  // Buffers and graphs may be gone before the work that uses them; nobody may free the stream's memory under it.
  ignore(cudaStreamSynchronize(stream_.get()));
}

DeviceDescription CudaBackend::describe() const {
  return describe_device(index_);
}

std::unique_ptr<DeviceBuffer> CudaBackend::allocate(std::int64_t bytes, const std::string& purpose) {
  stream_.make_current();
  DeviceMemory memory(bytes, purpose, kMoreRoom);
  LACUNA_CUDA(cudaMemsetAsync(memory.get(), 0, static_cast<std::size_t>(bytes), stream_.get()));
  return std::make_unique<CudaBuffer>(std::move(memory));
}

std::unique_ptr<DeviceBuffer> CudaBackend::place(const void* data, std::int64_t bytes, const std::string& purpose) {
  stream_.make_current();
  return std::make_unique<PlacedData>(index_, data, bytes, [&] {
    DeviceMemory memory(bytes, purpose, kMoreRoom);
    LACUNA_CUDA(
        cudaMemcpyAsync(memory.get(), data, static_cast<std::size_t>(bytes), cudaMemcpyHostToDevice, stream_.get()));
    stream_.synchronize();
    return memory;
  });
}

void CudaBackend::upload(DeviceBuffer& to, std::int64_t offset, const void* from, std::int64_t bytes) {
  check_range(to, offset, bytes);
  stream_.make_current();
  LACUNA_CUDA(cudaMemcpyAsync(static_cast<std::byte*>(to.address()) + offset, from, static_cast<std::size_t>(bytes),
                              cudaMemcpyHostToDevice, stream_.get()));
  // The source may be gone when this returns, and an asynchronous copy only may have read it by now.
  stream_.synchronize();
}

void CudaBackend::download(void* to, DeviceBuffer& from, std::int64_t offset, std::int64_t bytes) {
  check_range(from, offset, bytes);
  stream_.make_current();
  LACUNA_CUDA(cudaMemcpyAsync(to, static_cast<const std::byte*>(from.address()) + offset,
                              static_cast<std::size_t>(bytes), cudaMemcpyDeviceToHost, stream_.get()));
  stream_.synchronize();
}

std::unique_ptr<Readback> CudaBackend::readback(std::vector<DeviceBuffer*> buffers) {
  stream_.make_current();
  return std::make_unique<CudaReadback>(std::move(buffers), stream_.get());
}

std::unique_ptr<Feed> CudaBackend::feed(std::int64_t bytes, const std::string& purpose) {
  stream_.make_current();
  return std::make_unique<CudaFeed>(bytes, purpose, kMoreRoom, stream_.get());
}

std::int64_t CudaBackend::memory_bytes() const {
  stream_.make_current();
  return memory_info().total;
}

std::unique_ptr<Executable> CudaBackend::compile(const StepPlan& plan, const Bindings& bindings) {
  stream_.make_current();
  return engines_.compile(plan, bindings, stream_, [&](const Bindings& to) {
    if (group_ && is_training_step(plan))
      return compile_joint(plan, to, stream_, products_, cudnn_, multiprocessors_, *group_);
    return cuda::compile(plan, to, stream_, products_, cudnn_, multiprocessors_);
  });
}

std::unique_ptr<Executable> CudaBackend::compile_timed(const StepPlan& plan, const Bindings& bindings,
                                                       std::vector<OperationTime>& times) {
  stream_.make_current();
  return cuda::compile_timed(plan, bindings, stream_, products_, cudnn_, multiprocessors_, times);
}

std::shared_ptr<ModelGroup> CudaBackend::make_group() const {
  return std::make_shared<JointModels>();
}

}  // namespace lacuna::cuda
