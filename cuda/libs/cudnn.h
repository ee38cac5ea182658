#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>
#include <memory>

#include "lacuna/network.h"

// Convolutions. cudnn.cpp does them by cuDNN 9; a build without it has no_cudnn.cpp instead.

namespace lacuna::cuda {

/// The three products of one convolution (transposed or not) on a fixed number of samples. Arguments have the shapes
/// and layouts of ConvolutionForward and ConvolutionBackward. Each puts work on the stream and does nothing else, so
/// that it can be captured; all may share one workspace.
class ConvolutionProducts {
 public:
  virtual ~ConvolutionProducts() = default;

  /// What the calls below need, all of them; aligned to 256 bytes.
  virtual std::int64_t workspace_bytes() const = 0;
  virtual void forward(const float* input, const float* weight, float* output, void* workspace) const = 0;
  virtual void weight_gradient(const float* delta, const float* input, float* gradient, void* workspace) const = 0;
  virtual void input_gradient(const float* delta, const float* weight, float* gradient, void* workspace) const = 0;
};

/// cuDNN on one stream, with algorithms that give the same bits each time: in full float32 or, with `tf32`, on tensor
/// cores that round operands to TF32.
class Cudnn {
 public:
  Cudnn(cudaStream_t stream, bool tf32);
  ~Cudnn();

  /// Chooses algorithms and what they need of memory. The library is initialised when this is first called, which takes
  /// time and memory that other networks should not pay for. Throws InputError in a build without cuDNN.
  std::unique_ptr<ConvolutionProducts> products(const Convolution& convolution, std::int64_t rows);

 private:
  struct Library;
  [[maybe_unused]] cudaStream_t stream_;  // these are not in a build without cuDNN
  [[maybe_unused]] bool tf32_;
  std::unique_ptr<Library> library_;
};

}  // namespace lacuna::cuda
