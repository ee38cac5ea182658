#pragma once

#include "runtime/check.h"
#include "runtime/handle.h"

namespace lacuna::cuda {

/// A stream of the device that is current when it is made. Does not wait for the legacy default stream.
class Stream {
 public:
  Stream() {
    cudaStream_t stream = nullptr;
    LACUNA_CUDA(cudaGetDevice(&device_));
    LACUNA_CUDA(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
    stream_ = Handle<cudaStream_t, cudaStreamDestroy>(stream);
  }
  cudaStream_t get() const { return stream_.get(); }
  int device() const { return device_; }
  /// Makes the stream's device the current one: that is each thread's own, and another backend may have changed it.
  void make_current() const { LACUNA_CUDA(cudaSetDevice(device_)); }
  void synchronize() const { LACUNA_CUDA(cudaStreamSynchronize(get())); }

 private:
  int device_ = 0;
  Handle<cudaStream_t, cudaStreamDestroy> stream_;
};

}  // namespace lacuna::cuda
