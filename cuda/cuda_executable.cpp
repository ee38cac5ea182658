#include "cuda_executable.h"

#include <fmt/format.h>

#include <algorithm>

#include "lacuna/error.h"
#include "step_sequence.h"

namespace lacuna::cuda {

namespace {

class CudaExecutable final : public Executable {
 public:
  CudaExecutable(const Stream& stream, DeviceMemory arena, PlanConvolutions convolutions, PlanProducts products,
                 StepGraphs graphs)
      : stream_(stream),
        arena_(std::move(arena)),
        convolutions_(std::move(convolutions)),
        products_(std::move(products)),
        graphs_(std::move(graphs)) {}

  /// The arena must not go while steps run.
  ~CudaExecutable() override { ignore(cudaStreamSynchronize(stream_.get())); }

  std::int64_t run(std::int64_t steps, const std::atomic<bool>* stop) override {
    stream_.make_current();
    std::int64_t done = 0;
    while (done < steps && !(stop && stop->load(std::memory_order_relaxed)))
      done += graphs_.launch(steps - done, stream_.get());
    return done;
  }
  std::vector<std::string> remarks() const override { return products_.remarks(); }
  ProductAlgorithms products() const override { return products_.algorithms(); }

 private:
  const Stream& stream_;
  DeviceMemory arena_;
  PlanConvolutions convolutions_;  // what the libraries prepared may be used by the graphs
  PlanProducts products_;
  StepGraphs graphs_;
};

/// What to try where the arena does not fit.
std::string advice(const StepPlan& plan, const PlanLayout& layout) {
  constexpr const char* kSmaller = "use a smaller --batch or fewer hidden units";
  for (const Operation& operation : plan.operations)
    if (const auto* begin = std::get_if<BeginStep>(&operation)) {
      // The last batch of an epoch needs an arena too, and a tenth is left for the rest.
      const double arena = 0.45 * static_cast<double>(memory_info().free);
      const auto for_batch = static_cast<double>(layout.batch_bytes());
      const double share = (arena - (static_cast<double>(layout.arena_bytes()) - for_batch)) / for_batch;
      const auto rows = static_cast<std::int64_t>(share * static_cast<double>(begin->rows));
      if (rows >= 1 && rows < begin->rows) return fmt::format("a --batch of {} should fit", rows);
    }
  return kSmaller;
}

}  // namespace

DeviceMemory place_arena(const StepPlan& plan, PlanLayout& layout, const Stream& stream) {
  const std::int64_t bytes = layout.arena_bytes();
  DeviceMemory arena(bytes, fmt::format("activations of {}", plan.name), advice(plan, layout));
  layout.place(arena.get());
  const cudaStream_t queue = stream.get();
  LACUNA_CUDA(cudaMemsetAsync(arena.get(), 0, static_cast<std::size_t>(bytes), queue));
  if (!layout.segments().empty())
    LACUNA_CUDA(cudaMemcpyAsync(layout.segment_table(), layout.segments().data(),
                                layout.segments().size() * sizeof(UpdateSegment), cudaMemcpyHostToDevice, queue));
  stream.synchronize();
  return arena;
}

std::unique_ptr<Executable> compile(const StepPlan& plan, const Bindings& bindings, const Stream& stream,
                                    ProductChoice& choice, Cudnn& cudnn, int multiprocessors,
                                    const GraphOptions& options) {
  plan.validate();
  PlanConvolutions convolutions(plan, cudnn);
  const StepSequence sequence(plan, options.gather_ahead);
  PlanLayout layout(plan, bindings, sequence.doubled(), convolutions.workspace_bytes(), multiprocessors,
                    choice.cublas().precision());
  // All of it is done before the first step, and nothing of it belongs into the graphs.
  DeviceMemory arena = place_arena(plan, layout, stream);
  PlanProducts products = choice.choose(plan, layout);
  Workspace workspace = layout.workspace(stream.get());
  workspace.programmatic = options.programmatic && kernels_wait_here();
  const PlanResources resources{plan, layout, products, convolutions, workspace};
  const Branch branch(stream.get());
  StepGraphs graphs(stream.get(), std::min(options.most_steps, sequence.longest()),
                    [&](std::int64_t steps) { sequence.enqueue(steps, resources, branch); });
  return std::make_unique<CudaExecutable>(stream, std::move(arena), std::move(convolutions), std::move(products),
                                          std::move(graphs));
}

}  // namespace lacuna::cuda
