#pragma once

#include "cuda_backend.h"
#include "runtime/event.h"

namespace lacuna::cuda {

/// Pinned staging memory, and a stream of its own that copies out of it. A copy waits for the steps queued before it,
/// and those queued after receive() for the copy; the host waits for neither, and fills staging memory meanwhile.
class CudaFeed final : public Feed {
 public:
  CudaFeed(std::int64_t bytes, const std::string& purpose, const std::string& advice, cudaStream_t work);
  ~CudaFeed() override;

  DeviceBuffer& buffer() override { return buffer_; }
  std::byte* staging() override { return staging_.get(); }
  void send(std::int64_t offset, std::int64_t bytes) override;
  void receive() override;
  void wait_sent() override { copied_.synchronize(); }

 private:
  cudaStream_t work_;
  Stream copies_;
  CudaBuffer buffer_;
  PinnedMemory staging_;
  Event queued_;  // the work that may still read what a copy writes over
  Event copied_;
};

}  // namespace lacuna::cuda
