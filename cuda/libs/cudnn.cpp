// Convolutions by cuDNN's fixed-function interface. cuDNN 9 marks it as deprecated in favour of its graphs, but keeps
// it, and for a plain convolution in float32 both lead to the same kernels; this one reports with each algorithm
// whether it is deterministic, which is what matters here.

#include "libs/cudnn.h"

#include <cudnn.h>
#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <string_view>
#include <vector>

#include "lacuna/error.h"
#include "runtime/handle.h"

#define LACUNA_CUDNN(call) check((call), #call, __LINE__)

namespace lacuna::cuda {

namespace {

static_assert(CUDNN_MAJOR == 9, "written for cuDNN 9");

void check(cudnnStatus_t status, std::string_view call, int line) {
  if (status == CUDNN_STATUS_SUCCESS) return;
  throw Error(
      fmt::format("{} failed: {} at cudnn.cpp:{}", call.substr(0, call.find('(')), cudnnGetErrorString(status), line));
}

using Tensor = Handle<cudnnTensorDescriptor_t, cudnnDestroyTensorDescriptor>;
using Filter = Handle<cudnnFilterDescriptor_t, cudnnDestroyFilterDescriptor>;
using Descriptor = Handle<cudnnConvolutionDescriptor_t, cudnnDestroyConvolutionDescriptor>;

int extent(std::int64_t value) {
  LACUNA_EXPECTS(value <= std::numeric_limits<int>::max(), "a convolution is too large for cuDNN");
  return static_cast<int>(value);
}

Tensor tensor(std::int64_t rows, std::int64_t channels, std::int64_t height, std::int64_t width) {
  cudnnTensorDescriptor_t descriptor = nullptr;
  LACUNA_CUDNN(cudnnCreateTensorDescriptor(&descriptor));
  Tensor owner(descriptor);
  LACUNA_CUDNN(cudnnSetTensor4dDescriptor(descriptor, CUDNN_TENSOR_NCHW, CUDNN_DATA_FLOAT, extent(rows),
                                          extent(channels), extent(height), extent(width)));
  return owner;
}

Filter filter(const Convolution& c) {
  cudnnFilterDescriptor_t descriptor = nullptr;
  LACUNA_CUDNN(cudnnCreateFilterDescriptor(&descriptor));
  Filter owner(descriptor);
  LACUNA_CUDNN(cudnnSetFilter4dDescriptor(descriptor, CUDNN_DATA_FLOAT, CUDNN_TENSOR_NCHW, extent(c.channels_out),
                                          extent(c.channels_in), extent(c.kernel), extent(c.kernel)));
  return owner;
}

/// The default is TF32 where the device has it.
Descriptor descriptor_of(const Convolution& c, bool tf32) {
  cudnnConvolutionDescriptor_t descriptor = nullptr;
  LACUNA_CUDNN(cudnnCreateConvolutionDescriptor(&descriptor));
  Descriptor owner(descriptor);
  const int padding = extent(c.padding), stride = extent(c.stride);
  LACUNA_CUDNN(cudnnSetConvolution2dDescriptor(descriptor, padding, padding, stride, stride, 1, 1,
                                               CUDNN_CROSS_CORRELATION, CUDNN_DATA_FLOAT));
  LACUNA_CUDNN(cudnnSetConvolutionMathType(descriptor, tf32 ? CUDNN_DEFAULT_MATH : CUDNN_FMA_MATH));
  return owner;
}

/// An algorithm and what it needs.
template <class A>
struct Choice {
  A algorithm{};
  std::size_t workspace = 0;
};

/// More than this would be taken from the batch.
constexpr std::size_t kMostWorkspace = std::size_t{256} << 20;

/// The first algorithm of cuDNN's list, the fastest it expects, that gives the same bits each time, is not one of
/// `inexact`, and is content with a modest workspace. `workspace_of(algorithm, &bytes)` asks for that.
template <class Performance, class A, class F>
Choice<A> choose(const std::vector<Performance>& list, std::initializer_list<A> inexact, const F& workspace_of) {
  for (const Performance& candidate : list) {
    if (candidate.status != CUDNN_STATUS_SUCCESS || candidate.determinism != CUDNN_DETERMINISTIC) continue;
    if (candidate.mathType != CUDNN_FMA_MATH && candidate.mathType != CUDNN_DEFAULT_MATH) continue;
    if (std::find(inexact.begin(), inexact.end(), candidate.algo) != inexact.end()) continue;
    Choice<A> choice{candidate.algo, 0};
    if (workspace_of(choice.algorithm, &choice.workspace) == CUDNN_STATUS_SUCCESS && choice.workspace <= kMostWorkspace)
      return choice;
  }
  throw Error("cuDNN has no deterministic float32 algorithm for a convolution of this network");
}

/// Room for everything that cuDNN may propose.
constexpr int kMostAlgorithms = 32;

/// `outer` is the side with the larger extents of a strided convolution, `inner` the other: cuDNN's convolution leads
/// from outer to inner, the transposed one back. Algorithms by Fourier or nonfused Winograd transforms are left out:
/// those cost digits.
class CudnnProducts final : public ConvolutionProducts {
 public:
  CudnnProducts(cudnnHandle_t library, const Convolution& c, std::int64_t rows, bool tf32)
      : library_(library), transposed_(c.transposed), plain_(c.transposed ? c.mirrored() : c) {
    outer_ = tensor(rows, plain_.channels_in, plain_.height_in, plain_.width_in);
    inner_ = tensor(rows, plain_.channels_out, c.transposed ? c.height_in : c.height_out(),
                    c.transposed ? c.width_in : c.width_out());
    filter_ = filter(plain_);
    convolution_ = descriptor_of(plain_, tf32);
    choose_to_inner();
    choose_to_outer();
    choose_to_filter();
  }

  std::int64_t workspace_bytes() const override {
    return static_cast<std::int64_t>(std::max({to_inner_.workspace, to_outer_.workspace, to_filter_.workspace}));
  }
  void forward(const float* input, const float* weight, float* output, void* workspace) const override {
    transposed_ ? to_outer(input, weight, output, workspace) : to_inner(input, weight, output, workspace);
  }
  void input_gradient(const float* delta, const float* weight, float* gradient, void* workspace) const override {
    transposed_ ? to_inner(delta, weight, gradient, workspace) : to_outer(delta, weight, gradient, workspace);
  }
  void weight_gradient(const float* delta, const float* input, float* gradient, void* workspace) const override {
    LACUNA_CUDNN(cudnnConvolutionBackwardFilter(
        library_, &kOne, outer_.get(), transposed_ ? delta : input, inner_.get(), transposed_ ? input : delta,
        convolution_.get(), to_filter_.algorithm, workspace, to_filter_.workspace, &kZero, filter_.get(), gradient));
  }

 private:
  static constexpr float kOne = 1, kZero = 0;

  void to_inner(const float* outer, const float* weight, float* inner, void* workspace) const {
    LACUNA_CUDNN(cudnnConvolutionForward(library_, &kOne, outer_.get(), outer, filter_.get(), weight,
                                         convolution_.get(), to_inner_.algorithm, workspace, to_inner_.workspace,
                                         &kZero, inner_.get(), inner));
  }
  void to_outer(const float* inner, const float* weight, float* outer, void* workspace) const {
    LACUNA_CUDNN(cudnnConvolutionBackwardData(library_, &kOne, filter_.get(), weight, inner_.get(), inner,
                                              convolution_.get(), to_outer_.algorithm, workspace, to_outer_.workspace,
                                              &kZero, outer_.get(), outer));
  }

  void choose_to_inner() {
    std::vector<cudnnConvolutionFwdAlgoPerf_t> list(kMostAlgorithms);
    int count = 0;
    LACUNA_CUDNN(cudnnGetConvolutionForwardAlgorithm_v7(library_, outer_.get(), filter_.get(), convolution_.get(),
                                                        inner_.get(), kMostAlgorithms, &count, list.data()));
    list.resize(static_cast<std::size_t>(count));
    to_inner_ = choose<cudnnConvolutionFwdAlgoPerf_t, cudnnConvolutionFwdAlgo_t>(
        list,
        {CUDNN_CONVOLUTION_FWD_ALGO_FFT, CUDNN_CONVOLUTION_FWD_ALGO_FFT_TILING,
         CUDNN_CONVOLUTION_FWD_ALGO_WINOGRAD_NONFUSED},
        [&](cudnnConvolutionFwdAlgo_t algorithm, std::size_t* bytes) {
          return cudnnGetConvolutionForwardWorkspaceSize(library_, outer_.get(), filter_.get(), convolution_.get(),
                                                         inner_.get(), algorithm, bytes);
        });
  }
  void choose_to_outer() {
    std::vector<cudnnConvolutionBwdDataAlgoPerf_t> list(kMostAlgorithms);
    int count = 0;
    LACUNA_CUDNN(cudnnGetConvolutionBackwardDataAlgorithm_v7(library_, filter_.get(), inner_.get(), convolution_.get(),
                                                             outer_.get(), kMostAlgorithms, &count, list.data()));
    list.resize(static_cast<std::size_t>(count));
    to_outer_ = choose<cudnnConvolutionBwdDataAlgoPerf_t, cudnnConvolutionBwdDataAlgo_t>(
        list,
        {CUDNN_CONVOLUTION_BWD_DATA_ALGO_FFT, CUDNN_CONVOLUTION_BWD_DATA_ALGO_FFT_TILING,
         CUDNN_CONVOLUTION_BWD_DATA_ALGO_WINOGRAD_NONFUSED},
        [&](cudnnConvolutionBwdDataAlgo_t algorithm, std::size_t* bytes) {
          return cudnnGetConvolutionBackwardDataWorkspaceSize(library_, filter_.get(), inner_.get(), convolution_.get(),
                                                              outer_.get(), algorithm, bytes);
        });
  }
  void choose_to_filter() {
    std::vector<cudnnConvolutionBwdFilterAlgoPerf_t> list(kMostAlgorithms);
    int count = 0;
    LACUNA_CUDNN(cudnnGetConvolutionBackwardFilterAlgorithm_v7(library_, outer_.get(), inner_.get(), convolution_.get(),
                                                               filter_.get(), kMostAlgorithms, &count, list.data()));
    list.resize(static_cast<std::size_t>(count));
    to_filter_ = choose<cudnnConvolutionBwdFilterAlgoPerf_t, cudnnConvolutionBwdFilterAlgo_t>(
        list,
        {CUDNN_CONVOLUTION_BWD_FILTER_ALGO_FFT, CUDNN_CONVOLUTION_BWD_FILTER_ALGO_FFT_TILING,
         CUDNN_CONVOLUTION_BWD_FILTER_ALGO_WINOGRAD_NONFUSED},
        [&](cudnnConvolutionBwdFilterAlgo_t algorithm, std::size_t* bytes) {
          return cudnnGetConvolutionBackwardFilterWorkspaceSize(library_, outer_.get(), inner_.get(),
                                                                convolution_.get(), filter_.get(), algorithm, bytes);
        });
  }

  cudnnHandle_t library_;
  const bool transposed_;
  const Convolution plain_;  ///< from outer to inner
  Tensor outer_, inner_;
  Filter filter_;
  Descriptor convolution_;
  Choice<cudnnConvolutionFwdAlgo_t> to_inner_;
  Choice<cudnnConvolutionBwdDataAlgo_t> to_outer_;
  Choice<cudnnConvolutionBwdFilterAlgo_t> to_filter_;
};

}  // namespace

struct Cudnn::Library {
  explicit Library(cudaStream_t stream) {
    cudnnHandle_t created = nullptr;
    LACUNA_CUDNN(cudnnCreate(&created));
    handle = Handle<cudnnHandle_t, cudnnDestroy>(created);
    LACUNA_CUDNN(cudnnSetStream(created, stream));
  }
  Handle<cudnnHandle_t, cudnnDestroy> handle;
};

Cudnn::Cudnn(cudaStream_t stream, bool tf32) : stream_(stream), tf32_(tf32) {}
Cudnn::~Cudnn() = default;

std::unique_ptr<ConvolutionProducts> Cudnn::products(const Convolution& convolution, std::int64_t rows) {
  if (!library_) library_ = std::make_unique<Library>(stream_);
  return std::make_unique<CudnnProducts>(library_->handle.get(), convolution, rows, tf32_);
}

}  // namespace lacuna::cuda
