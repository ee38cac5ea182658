#include "cuda_feed.h"

#include <cstring>

#include "lacuna/error.h"

namespace lacuna::cuda {

CudaFeed::CudaFeed(std::int64_t bytes, const std::string& purpose, const std::string& advice, cudaStream_t work)
    : work_(work), buffer_(DeviceMemory(bytes, purpose, advice)), staging_(bytes) {
  std::memset(staging_.get(), 0, static_cast<std::size_t>(bytes));
  send(0, bytes, mark());
}

CudaFeed::~CudaFeed() {
  // Neither memory may go while something is copied, or while steps read the buffer.
  ignore(cudaStreamSynchronize(copies_.get()));
  ignore(cudaStreamSynchronize(work_));
}

std::int64_t CudaFeed::mark() {
  copies_.make_current();
  marks_[static_cast<std::size_t>(++last_mark_ % kMarks)].record(work_);
  return last_mark_;
}

void CudaFeed::send(std::int64_t offset, std::int64_t bytes, std::int64_t after) {
  LACUNA_EXPECTS(after > 0 && after <= last_mark_, "no such mark");
  LACUNA_EXPECTS(offset >= 0 && bytes >= 0 && offset + bytes <= buffer_.bytes(), "copy outside the buffer");
  copies_.make_current();
  marks_[static_cast<std::size_t>(after % kMarks)].hold_back(copies_.get());
  LACUNA_CUDA(cudaMemcpyAsync(static_cast<std::byte*>(buffer_.address()) + offset, staging_.get() + offset,
                              static_cast<std::size_t>(bytes), cudaMemcpyHostToDevice, copies_.get()));
  copied_.record(copies_.get());
}

void CudaFeed::receive() {
  copied_.hold_back(work_);
}

}  // namespace lacuna::cuda
