// The time of each CUDA kernel, the bytes it has to move, and what share of the device's copy bandwidth that is. The
// copy is measured in this process first, by the same method.
//
// A case has as many sets of operands as it takes to be larger than twice the L2 cache, and goes through them in turns,
// so that a call finds nothing of its operands in the cache. Cases named /hot have one set: what a small kernel takes
// inside a training step. The calls are captured into a graph, as in a training step; times are medians of replays.
//
// Counters: us (one call), bytes (moved), operand_bytes, GB_per_s, percent_of_copy, sets. The label says "cold" or
// "hot". Cases that do not fit in the device's free memory report that as their error.

#include <benchmark/benchmark.h>
#include <cuda_runtime_api.h>
#include <fmt/format.h>

#include "clock.h"
#include "gpu/kernel_case.h"
#include "gpu/program.h"
#include "gpu/replay.h"

namespace lacuna::bench {

std::vector<KernelCase> kernel_cases(int multiprocessors) {
  std::vector<KernelCase> cases;
  add_pass_cases(cases, multiprocessors);
  add_softmax_cases(cases, multiprocessors);
  add_code_cases(cases);
  add_vector_cases(cases, multiprocessors);
  add_update_cases(cases);
  add_copy_cases(cases);
  add_step_cases(cases);
  return cases;
}

namespace {

constexpr int kReplays = 15;
/// The fewest calls in a graph, so that what surrounds the graph does not count.
constexpr std::int64_t kCalls = 10;
/// The most sets of operands: a graph of more calls takes too long to be made.
constexpr std::int64_t kMostSets = 8192;

struct Device {
  int multiprocessors;
  std::int64_t l2_bytes;
  double copy_bytes_per_second = 0;
};

constexpr std::int64_t kAlignment = 256;  // as cudaMalloc's

std::int64_t aligned(std::int64_t bytes) {
  return (bytes + kAlignment - 1) / kAlignment * kAlignment;
}

/// The memory of a case on a device: the kernels' workspace, what all calls share, and the sets of operands.
struct Layout {
  std::int64_t sets, shared_bytes, set_bytes;
  cuda::WorkspaceNeeds needs;

  Layout(const KernelCase& c, const Device& device) : needs(c.needs) {
    Operands shared, own;
    c.make(shared, own);
    shared_bytes = shared.taken();
    set_bytes = own.taken();
    const std::int64_t wanted = 2 * device.l2_bytes / set_bytes + 1;
    sets = c.hot ? 1 : std::min(wanted, kMostSets);
    cold = !c.hot && sets == wanted;
  }
  std::int64_t workspace_bytes() const {
    return aligned(4 * needs.partials) + aligned(8 * needs.value_partials) + aligned(4 * needs.counters);
  }
  std::int64_t operand_bytes() const { return shared_bytes + sets * set_bytes; }
  std::int64_t bytes() const { return workspace_bytes() + operand_bytes(); }

  bool cold;  ///< the sets do not fit in the L2 cache together
};

cuda::Workspace make_workspace(const Layout& layout, const Device& device, cudaStream_t stream, std::byte* memory) {
  LACUNA_CUDA(cudaMemset(memory, 0, static_cast<std::size_t>(layout.workspace_bytes())));
  std::byte* const value_partials = memory + aligned(4 * layout.needs.partials);
  std::byte* const counters = value_partials + aligned(8 * layout.needs.value_partials);
  return {stream, device.multiprocessors, reinterpret_cast<float*>(memory), reinterpret_cast<double*>(value_partials),
          reinterpret_cast<unsigned*>(counters)};
}

/// Seconds of one call, for each of kReplays replays.
std::vector<double> measure(const KernelCase& c, const Layout& layout, const Device& device) {
  const cuda::DeviceMemory workspace_memory(layout.workspace_bytes(), "the workspace of the kernels");
  const cuda::DeviceMemory operand_memory(layout.operand_bytes(), "the operands of " + c.name);
  const cuda::Stream stream;
  const cuda::Workspace workspace = make_workspace(layout, device, stream.get(), workspace_memory.get());
  std::vector<KernelCase::Call> calls;
  for (std::int64_t set = 0; set < layout.sets; ++set) {
    Operands shared(operand_memory.get(), set == 0);
    Operands own(operand_memory.get() + layout.shared_bytes + set * layout.set_bytes, true);
    calls.push_back(c.make(shared, own));
  }
  LACUNA_CUDA(cudaDeviceSynchronize());

  const auto count = static_cast<std::size_t>(std::max(layout.sets, kCalls));
  const Replay replay(stream, [&] {
    for (std::size_t i = 0; i < count; ++i) calls[i % calls.size()](workspace);
  });
  replay.seconds(2);
  std::vector<double> seconds;
  for (int i = 0; i < kReplays; ++i) seconds.push_back(replay.seconds() / static_cast<double>(count));
  return seconds;
}

void run(benchmark::State& state, const KernelCase& c, const Device& device) {
  const Layout layout(c, device);
  const std::int64_t room = cuda::memory_info().free / 20 * 19;
  if (layout.bytes() > room) {
    state.SkipWithError(fmt::format("needs {} of GPU memory, {} are free", cuda::readable_bytes(layout.bytes()),
                                    cuda::readable_bytes(room))
                            .c_str());
    return;
  }
  const std::vector<double> seconds = measure(c, layout, device);
  auto next = seconds.begin();
  for (auto _ : state) state.SetIterationTime(*next++);

  const double time = median(seconds), rate = c.bytes_moved / time;
  state.counters["us"] = time * 1e6;
  state.counters["bytes"] = c.bytes_moved;
  state.counters["operand_bytes"] = c.operand_bytes;
  state.counters["GB_per_s"] = rate * 1e-9;
  state.counters["percent_of_copy"] = 100 * rate / device.copy_bytes_per_second;
  state.counters["sets"] = static_cast<double>(layout.sets);
  state.SetLabel(layout.cold ? "cold" : "hot");
}

/// Bytes read and written each second by copies of a gibibyte, or of what a small device has room for.
double copy_bandwidth(const Device& device) {
  const std::int64_t floats = std::min(std::int64_t{1} << 28, cuda::memory_info().free / 16);
  const KernelCase c = copy_case(floats, false);
  return c.bytes_moved / median(measure(c, Layout(c, device), device));
}

Device measured_device(int index) {
  Device device{};
  int l2_bytes = 0;
  LACUNA_CUDA(cudaDeviceGetAttribute(&device.multiprocessors, cudaDevAttrMultiProcessorCount, index));
  LACUNA_CUDA(cudaDeviceGetAttribute(&l2_bytes, cudaDevAttrL2CacheSize, index));
  device.l2_bytes = l2_bytes;
  device.copy_bytes_per_second = copy_bandwidth(device);
  benchmark::AddCustomContext("L2 cache", cuda::readable_bytes(device.l2_bytes));
  benchmark::AddCustomContext("copy_GB_per_s", fmt::format("{:.1f}", device.copy_bytes_per_second * 1e-9));
  return device;
}

void add_benchmarks(int index) {
  const Device device = measured_device(index);
  for (const KernelCase& c : kernel_cases(device.multiprocessors))
    benchmark::RegisterBenchmark(c.name.c_str(), [c, device](benchmark::State& state) { run(state, c, device); })
        ->Iterations(kReplays)
        ->UseManualTime()
        ->Unit(benchmark::kMicrosecond);
}

}  // namespace

}  // namespace lacuna::bench

int main(int argc, char** argv) {
  return lacuna::bench::run_on_gpu(argc, argv, lacuna::bench::add_benchmarks);
}
