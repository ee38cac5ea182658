#pragma once

#include "runtime/check.h"
#include "runtime/handle.h"

namespace lacuna::cuda {

/// Work captured once from a stream, launched any number of times.
class Graph {
 public:
  using Recorded = Handle<cudaGraph_t, cudaGraphDestroy>;

  /// What `queue` puts on the stream, which is not run. A throwing `queue` ends the capture, so that the stream stays
  /// usable.
  template <class F>
  static Recorded record(cudaStream_t stream, const F& queue) {
    // Relaxed: kernels, cuBLAS's above all, are loaded at their first use, and that may be here.
    LACUNA_CUDA(cudaStreamBeginCapture(stream, cudaStreamCaptureModeRelaxed));
    cudaGraph_t graph = nullptr;
    try {
      queue();
    } catch (...) {
      ignore(cudaStreamEndCapture(stream, &graph));
      if (graph) ignore(cudaGraphDestroy(graph));
      ignore(cudaGetLastError());
      throw;
    }
    LACUNA_CUDA(cudaStreamEndCapture(stream, &graph));
    return Recorded(graph);
  }
  /// The same, to be launched.
  template <class F>
  static Graph capture(cudaStream_t stream, const F& queue) {
    const Recorded recorded = record(stream, queue);
    cudaGraphExec_t executable = nullptr;
    LACUNA_CUDA(cudaGraphInstantiate(&executable, recorded.get(), 0));
    Graph result;
    result.executable_ = Handle<cudaGraphExec_t, cudaGraphExecDestroy>(executable);
    LACUNA_CUDA(cudaGraphUpload(executable, stream));
    return result;
  }

  void launch(cudaStream_t stream) const { LACUNA_CUDA(cudaGraphLaunch(executable_.get(), stream)); }

 private:
  Handle<cudaGraphExec_t, cudaGraphExecDestroy> executable_;
};

}  // namespace lacuna::cuda
