#include "cuda_executable.h"

#include <fmt/format.h>

#include "kernels/kernels.h"
#include "lacuna/error.h"
#include "plan_layout.h"
#include "runtime/graph.h"

namespace lacuna::cuda {

namespace {

class CudaExecutable final : public Executable {
 public:
  CudaExecutable(const Stream& stream, DeviceMemory arena, Graph graph)
      : stream_(stream), arena_(std::move(arena)), graph_(std::move(graph)) {}

  /// The arena must not go while steps run.
  ~CudaExecutable() override { ignore(cudaStreamSynchronize(stream_.get())); }

  std::int64_t run(std::int64_t steps, const std::atomic<bool>* stop) override {
    for (std::int64_t done = 0; done < steps; ++done) {
      if (stop && stop->load(std::memory_order_relaxed)) return done;
      graph_.launch(stream_.get());
    }
    return steps;
  }

 private:
  const Stream& stream_;
  DeviceMemory arena_;
  Graph graph_;
};

/// Puts the work of each operation on the stream.
struct Enqueue {
  const StepPlan& plan;
  const PlanLayout& layout;
  const Cublas& cublas;
  Workspace workspace;

  template <class T = float>
  T* at(BufferId id) const {
    return layout.at<T>(id);
  }
  const Shape& shape(BufferId id) const { return plan[id].shape; }
  StepState* state(BufferId id) const { return at<StepState>(id); }
  StepScalars* scalars(BufferId id) const { return at<StepScalars>(id); }

  void operator()(const BeginStep& op) const {
    begin_step(workspace, state(op.state), scalars(op.scalars), op.rows, op.optimizer);
  }

  void operator()(const Gather& op) const {
    const Shape& data = shape(op.data);
    gather(workspace, {at<void>(op.data), plan[op.data].dtype, data[0], data[1], state(op.state), at(op.batch),
                       shape(op.batch)[0], op.shuffle, op.seed});
  }

  void operator()(const DenseForward& op) const {
    const std::int64_t rows = shape(op.input)[0], in = shape(op.weight)[1], out = shape(op.weight)[0];
    cublas.gemm_row_major(Transpose::no, Transpose::yes, rows, out, in, at(op.input), at(op.weight), at(op.output));
    if (op.bias == kNoBuffer) return;
    bias_activation(workspace, op.activation,
                    {at(op.output), at(op.bias), rows, out, at(op.column_sums), at(op.column_abs_sums)});
  }

  void operator()(const Reconstruction& op) const {
    const Shape& product = shape(op.product);
    reconstruction(workspace, op.loss, op.activation,
                   {at(op.product), at(op.bias), at(op.target), product[0], product[1], op.reduction,
                    scalars(op.scalars), at(op.delta), at(op.output), at(op.bias_gradient), at<double>(op.value)});
  }

  void operator()(const SparsityPenalty& op) const {
    sparsity_penalty(workspace, {op.kind, shape(op.column_sums)[0], at(op.column_sums), at(op.column_abs_sums),
                                 scalars(op.scalars), op.rho, op.beta, op.l1, at(op.column_gradient),
                                 at<double>(op.value), at<double>(op.mean_activation)});
  }

  void operator()(const ActivationBackward& op) const {
    const Shape& gradient = shape(op.gradient);
    activation_backward(workspace, op.activation,
                        {at(op.gradient), at(op.output), at(op.column_gradient), op.l1, scalars(op.scalars),
                         gradient[0], gradient[1], at(op.bias_gradient)});
  }

  void operator()(const SoftmaxCrossEntropy& op) const {
    const Shape& product = shape(op.product);
    softmax_cross_entropy(workspace, {at(op.product), at(op.bias), at<std::int32_t>(op.labels), product[0], product[1],
                                      scalars(op.scalars), at(op.delta), at(op.output), at<double>(op.value)});
    if (op.delta != kNoBuffer) bias_gradient(workspace, at(op.delta), product[0], product[1], at(op.bias_gradient));
  }

  void operator()(const Softmax& op) const {
    const Shape& logits = shape(op.logits);
    softmax(workspace, {at(op.logits), at(op.bias), logits[0], logits[1]});
  }

  void operator()(const DenseBackward& op) const {
    const std::int64_t rows = shape(op.delta)[0], in = shape(op.weight)[1], out = shape(op.weight)[0];
    cublas.gemm_row_major(Transpose::yes, Transpose::no, out, in, rows, at(op.delta), at(op.input),
                          at(op.weight_gradient));
    if (op.input_gradient == kNoBuffer) return;
    cublas.gemm_row_major(Transpose::no, Transpose::no, rows, in, out, at(op.delta), at(op.weight),
                          at(op.input_gradient));
  }

  void operator()(const UpdateParameters& op) const {
    update_parameters(workspace, {at(op.parameters), at(op.gradients), at(op.moment1), at(op.moment2),
                                  layout.segment_table(), static_cast<std::int64_t>(layout.segments().size()),
                                  scalars(op.scalars), op.optimizer, op.weight_decay, at<double>(op.value)});
  }

  void operator()(const FillUniform& op) const {
    fill_uniform(workspace, at(op.values), shape(op.values).elements(), op.limit, op.seed, op.stream);
  }

  void operator()(const EndStep& op) const {
    end_step(workspace, {state(op.state), scalars(op.scalars), at<double>(op.reconstruction), at<double>(op.sparsity),
                         at<double>(op.weight_decay), at<double>(op.mean_activation), at<StepLoss>(op.ring),
                         shape(op.ring)[0], op.data_rows});
  }
};

/// What to try where the arena does not fit.
std::string advice(const StepPlan& plan, std::int64_t arena_bytes) {
  constexpr const char* kSmaller = "use a smaller --batch or fewer hidden units";
  for (const Operation& operation : plan.operations)
    if (const auto* begin = std::get_if<BeginStep>(&operation)) {
      // The arena grows with the batch; the last batch of an epoch needs one too, and a tenth is left for the rest.
      const double share = 0.45 * static_cast<double>(memory_info().free) / static_cast<double>(arena_bytes);
      const auto rows = static_cast<std::int64_t>(share * static_cast<double>(begin->rows));
      if (rows >= 1 && rows < begin->rows) return fmt::format("a --batch of {} should fit", rows);
    }
  return kSmaller;
}

DeviceMemory allocate_arena(const StepPlan& plan, std::int64_t bytes) {
  return {bytes, fmt::format("activations of {}", plan.name), advice(plan, bytes)};
}

}  // namespace

std::unique_ptr<Executable> compile(const StepPlan& plan, const Bindings& bindings, const Stream& stream,
                                    const Cublas& cublas, int multiprocessors) {
  plan.validate();
  PlanLayout layout(plan, bindings, multiprocessors);
  DeviceMemory arena = allocate_arena(plan, layout.arena_bytes());
  layout.place(arena.get());
  const cudaStream_t queue = stream.get();
  LACUNA_CUDA(cudaMemsetAsync(arena.get(), 0, static_cast<std::size_t>(layout.arena_bytes()), queue));
  if (!layout.segments().empty())
    LACUNA_CUDA(cudaMemcpyAsync(layout.segment_table(), layout.segments().data(),
                                layout.segments().size() * sizeof(UpdateSegment), cudaMemcpyHostToDevice, queue));
  // Everything so far must be done before the first step, and nothing of it belongs into the graph.
  stream.synchronize();
  const Enqueue enqueue{plan, layout, cublas, layout.workspace(queue)};
  Graph graph = Graph::capture(queue, [&] {
    for (const Operation& operation : plan.operations) std::visit(enqueue, operation);
  });
  return std::make_unique<CudaExecutable>(stream, std::move(arena), std::move(graph));
}

}  // namespace lacuna::cuda
