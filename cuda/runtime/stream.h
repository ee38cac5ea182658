#pragma once

#include "runtime/check.h"
#include "runtime/handle.h"

namespace lacuna::cuda {

/// A stream that does not wait for the legacy default stream.
class Stream {
 public:
  Stream() {
    cudaStream_t stream = nullptr;
    LACUNA_CUDA(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
    stream_ = Handle<cudaStream_t, cudaStreamDestroy>(stream);
  }
  cudaStream_t get() const { return stream_.get(); }
  void synchronize() const { LACUNA_CUDA(cudaStreamSynchronize(get())); }

 private:
  Handle<cudaStream_t, cudaStreamDestroy> stream_;
};

}  // namespace lacuna::cuda
