#include "cuda_feed.h"

#include <cstring>

#include "lacuna/error.h"

namespace lacuna::cuda {

CudaFeed::CudaFeed(std::int64_t bytes, const std::string& purpose, const std::string& advice, cudaStream_t work)
    : work_(work), buffer_(DeviceMemory(bytes, purpose, advice)), staging_(bytes) {
  std::memset(staging_.get(), 0, static_cast<std::size_t>(bytes));
  send(0, bytes);
}

CudaFeed::~CudaFeed() {
  // Neither memory may go while something is copied, or while steps read the buffer.
  ignore(cudaStreamSynchronize(copies_.get()));
  ignore(cudaStreamSynchronize(work_));
}

void CudaFeed::send(std::int64_t offset, std::int64_t bytes) {
  LACUNA_EXPECTS(offset >= 0 && bytes >= 0 && offset + bytes <= buffer_.bytes(), "copy outside the buffer");
  copies_.make_current();
  queued_.record(work_);
  queued_.hold_back(copies_.get());
  LACUNA_CUDA(cudaMemcpyAsync(static_cast<std::byte*>(buffer_.address()) + offset, staging_.get() + offset,
                              static_cast<std::size_t>(bytes), cudaMemcpyHostToDevice, copies_.get()));
  copied_.record(copies_.get());
}

void CudaFeed::receive() {
  copied_.hold_back(work_);
}

}  // namespace lacuna::cuda
