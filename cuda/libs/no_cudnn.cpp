// In place of cudnn.cpp where there is no cuDNN.

#include "lacuna/error.h"
#include "libs/cudnn.h"

namespace lacuna::cuda {

struct Cudnn::Library {};

Cudnn::Cudnn(cudaStream_t stream, bool tf32) : stream_(stream), tf32_(tf32) {}
Cudnn::~Cudnn() = default;

std::unique_ptr<ConvolutionProducts> Cudnn::products(const Convolution&, std::int64_t) {
  throw InputError("this build has no cuDNN, so convolutions do not run on CUDA; use --device cpu");
}

}  // namespace lacuna::cuda
