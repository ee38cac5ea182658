// What the device can do at best, and what it asks for a kernel, a barrier and a cluster: the ceilings that steps and
// kernels are held against.
//
//   copy             GB_per_s, bytes read and bytes written, of copies of a gibibyte
//   gemm/PRECISION   TFLOP_per_s of a product of 8192 x 8192 x 8192
//   graph_node       us of a kernel that does nothing within a graph of 1000; /programmatic: each may begin while the
//   one
//                    before it ends
//   grid_barrier     us of a barrier of one block for each multiprocessor
//   cluster          blocks of the largest cluster whose blocks have all the shared memory there is
//
// Times are medians of replays of a graph, by events.

#include <benchmark/benchmark.h>
#include <cublas_v2.h>
#include <cuda_runtime_api.h>
#include <fmt/format.h>

#include <functional>

#include "clock.h"
#include "gpu/device_kernels.h"
#include "gpu/operands.h"
#include "gpu/program.h"
#include "gpu/replay.h"
#include "libs/cublas.h"

namespace lacuna::bench {

namespace {

constexpr int kReplays = 15;

int attribute(cudaDeviceAttr name, int device) {
  int value = 0;
  LACUNA_CUDA(cudaDeviceGetAttribute(&value, name, device));
  return value;
}

/// Median seconds of what `queue` puts on a stream.
double seconds(benchmark::State& state, const cuda::Stream& stream, const std::function<void()>& queue) {
  const Replay replay(stream, queue);
  replay.seconds(2);
  std::vector<double> times;
  for (auto _ : state) {
    times.push_back(replay.seconds());
    state.SetIterationTime(times.back());
  }
  return median(times);
}

void copy(benchmark::State& state) {
  const std::int64_t bytes = std::min(std::int64_t{1} << 30, cuda::memory_info().free / 4);
  const cuda::DeviceMemory from(bytes, "the source of a copy"), to(bytes, "its destination");
  const cuda::Stream stream;
  const double time = seconds(state, stream, [&] {
    LACUNA_CUDA(
        cudaMemcpyAsync(to.get(), from.get(), static_cast<std::size_t>(bytes), cudaMemcpyDeviceToDevice, stream.get()));
  });
  state.counters["GB_per_s"] = 2e-9 * static_cast<double>(bytes) / time;
}

struct Gemm {
  const char* name;
  cudaDataType type;
  cublasComputeType_t compute;
};
constexpr Gemm kGemms[] = {{"fp32", CUDA_R_32F, CUBLAS_COMPUTE_32F},
                           {"tf32", CUDA_R_32F, CUBLAS_COMPUTE_32F_FAST_TF32},
                           {"bf16", CUDA_R_16BF, CUBLAS_COMPUTE_32F}};

void gemm(benchmark::State& state, const Gemm& g) {
  constexpr int n = 8192;
  constexpr std::int64_t kCount = std::int64_t{n} * n;
  const cuda::DeviceMemory memory(3 * 4 * kCount, "the operands of a product");
  Operands pieces(memory.get(), true);
  // As bf16 the same bytes are other numbers, which are as good.
  const float *a = pieces.unit(kCount), *b = pieces.unit(kCount);
  float* c = pieces.unit(kCount);
  LACUNA_CUDA(cudaDeviceSynchronize());
  const cuda::Stream stream;
  cublasHandle_t made = nullptr;
  LACUNA_CUBLAS(cublasCreate(&made));
  const cuda::Handle<cublasHandle_t, cublasDestroy> handle(made);
  constexpr std::size_t kWorkspace = std::size_t{32} << 20;
  const cuda::DeviceMemory workspace(kWorkspace, "cuBLAS");
  LACUNA_CUBLAS(cublasSetStream(made, stream.get()));
  LACUNA_CUBLAS(cublasSetWorkspace(made, workspace.get(), kWorkspace));
  const float one = 1, zero = 0;
  const double time = seconds(state, stream, [&] {
    LACUNA_CUBLAS(cublasGemmEx(made, CUBLAS_OP_T, CUBLAS_OP_N, n, n, n, &one, a, g.type, n, b, g.type, n, &zero, c,
                               CUDA_R_32F, n, g.compute, CUBLAS_GEMM_DEFAULT));
  });
  state.counters["TFLOP_per_s"] = 2e-12 * n * n * n / time;
}

void graph_node(benchmark::State& state, bool programmatic) {
  constexpr int kNodes = 1000;
  const cuda::Stream stream;
  const double time = seconds(state, stream, [&] {
    for (int i = 0; i < kNodes; ++i) launch_nothing(stream.get(), programmatic);
  });
  state.counters["us"] = 1e6 * time / kNodes;
}

/// The difference between many barriers and few, so that the launch does not count.
void grid_barrier(benchmark::State& state, int device) {
  constexpr int kFew = 100, kMany = 1100;
  const cuda::Stream stream;
  const int blocks = attribute(cudaDevAttrMultiProcessorCount, device);
  const Replay few(stream, [&] { launch_barriers(stream.get(), blocks, kFew); });
  few.seconds(2);
  std::vector<double> base;
  for (int i = 0; i < kReplays; ++i) base.push_back(few.seconds());
  const double time = seconds(state, stream, [&] { launch_barriers(stream.get(), blocks, kMany); });
  state.counters["us"] = 1e6 * (time - median(base)) / (kMany - kFew);
  state.counters["blocks"] = blocks;
}

void cluster(benchmark::State& state, int device) {
  const int bytes = attribute(cudaDevAttrMaxSharedMemoryPerBlockOptin, device);
  int blocks = 0;
  for (auto _ : state) {
    blocks = largest_cluster(bytes);
    state.SetIterationTime(1e-6);
  }
  state.counters["blocks"] = blocks;
  state.counters["shared_bytes"] = bytes;
}

void add(const std::string& name, const std::function<void(benchmark::State&)>& run) {
  benchmark::RegisterBenchmark(name.c_str(),
                               [run](benchmark::State& state) {
                                 try {
                                   run(state);
                                 } catch (const std::exception& error) {  // the others can still be measured
                                   state.SkipWithError(error.what());
                                 }
                               })
      ->Iterations(kReplays)
      ->UseManualTime()
      ->Unit(benchmark::kMicrosecond);
}

void add_benchmarks(int device) {
  add("copy", copy);
  for (const Gemm& g : kGemms) add(fmt::format("gemm/{}", g.name), [g](benchmark::State& state) { gemm(state, g); });
  add("graph_node", [](benchmark::State& state) { graph_node(state, false); });
  add("graph_node/programmatic", [](benchmark::State& state) { graph_node(state, true); });
  add("grid_barrier", [device](benchmark::State& state) { grid_barrier(state, device); });
  add("cluster", [device](benchmark::State& state) { cluster(state, device); });
}

}  // namespace

}  // namespace lacuna::bench

int main(int argc, char** argv) {
  return lacuna::bench::run_on_gpu(argc, argv, lacuna::bench::add_benchmarks);
}
