#pragma once

#include <array>

#include "cuda_backend.h"
#include "runtime/event.h"

namespace lacuna::cuda {

/// Pinned staging memory, and a stream of its own that copies out of it. A copy waits for the steps before its mark,
/// and those queued after receive() for the copy; the steps between run beside it. The host waits for neither.
class CudaFeed final : public Feed {
 public:
  CudaFeed(std::int64_t bytes, const std::string& purpose, const std::string& advice, cudaStream_t work);
  ~CudaFeed() override;

  DeviceBuffer& buffer() override { return buffer_; }
  std::byte* staging() override { return staging_.get(); }
  std::int64_t mark() override;
  void send(std::int64_t offset, std::int64_t bytes, std::int64_t after) override;
  void receive() override;
  void wait_sent() override { copied_.synchronize(); }

 private:
  cudaStream_t work_;
  Stream copies_;
  CudaBuffer buffer_;
  PinnedMemory staging_;
  /// That of mark m at m % kMarks: waiting for a mark so old that its event stands for a later one is waiting too long.
  static constexpr std::int64_t kMarks = 64;
  std::array<Event, kMarks> marks_;
  std::int64_t last_mark_ = 0;
  Event copied_;
};

}  // namespace lacuna::cuda
