#include "resident/resident_executable.h"

#include <fmt/format.h>

#include <algorithm>

#include "lacuna/error.h"
#include "resident/resident.h"
#include "resident/resident_layout.h"
#include "resident/resident_plan.h"
#include "runtime/memory.h"

namespace lacuna::cuda {

namespace {

class ResidentExecutable final : public Executable {
 public:
  ResidentExecutable(const Stream& stream, DeviceMemory arena, const ResidentArgs& args)
      : stream_(stream), arena_(std::move(arena)), args_(args) {}

  /// The arena must not go while steps run.
  ~ResidentExecutable() override { ignore(cudaStreamSynchronize(stream_.get())); }

  std::int64_t run(std::int64_t steps, const std::atomic<bool>* stop) override {
    stream_.make_current();
    std::int64_t done = 0;
    while (done < steps && !(stop && stop->load(std::memory_order_relaxed))) {
      args_.steps = static_cast<int>(std::min(kResidentSteps, steps - done));
      launch_resident(args_, stream_.get());
      done += args_.steps;
    }
    return done;
  }

  std::vector<std::string> remarks() const override {
    const ResidentLayout& l = args_.layout;
    return {fmt::format("engine resident: {} multiprocessors with {} of shared memory each; the batch {}",
                        args_.shape.blocks, readable_bytes(l.bytes),
                        l.x_rows == args_.shape.rows
                            ? "stays there"
                            : fmt::format("is gathered twice, {} samples at a time", l.x_rows))};
  }

 private:
  const Stream& stream_;
  DeviceMemory arena_;
  ResidentArgs args_;
};

template <class T = float>
T* bound(const StepPlan& plan, const Bindings& bindings, BufferId id) {
  if (id == kNoBuffer) return nullptr;
  const Buffer& buffer = plan[id];
  const Buffer& owner = buffer.kind == Buffer::Kind::slice ? plan[buffer.parent] : buffer;
  const auto found = bindings.find(owner.name);
  LACUNA_EXPECTS(found != bindings.end() && found->second && found->second->bytes() >= owner.bytes(),
                 fmt::format("{} is not bound to {} bytes", owner.name, owner.bytes()));
  return reinterpret_cast<T*>(static_cast<std::byte*>(found->second->address()) +
                              buffer.offset * size_of(buffer.dtype));
}

int attribute(cudaDeviceAttr which) {
  int device = 0, value = 0;
  LACUNA_CUDA(cudaGetDevice(&device));
  LACUNA_CUDA(cudaDeviceGetAttribute(&value, which, device));
  return value;
}

std::string kibibytes(std::int64_t bytes) {
  return fmt::format("{} KiB", (bytes + 1023) / 1024);
}

/// Finds how the network lies in shared memory; false, and `why`, if it does not.
bool find_place(ResidentArgs& args, std::string& why) {
  if (attribute(cudaDevAttrCooperativeLaunch) == 0) {
    why = "this GPU has no cooperative launch";
    return false;
  }
  const int available = attribute(cudaDevAttrMaxSharedMemoryPerBlockOptin);
  // What the kernel itself declares besides: the sums of its warps.
  constexpr int kStatic = 1024;
  args.layout = resident_layout(args.shape, available - kStatic);
  if (args.layout.bytes > available - kStatic) {
    why = fmt::format("it needs {} of shared memory on each of {} multiprocessors, this GPU has {}",
                      kibibytes(args.layout.bytes + kStatic), args.shape.blocks, kibibytes(available));
    return false;
  }
  if (prepare_resident(args.shape, available - kStatic) > 0) return true;
  why = "this GPU has too few registers for it";
  return false;
}

/// Everything but addresses.
ResidentArgs arguments_of(const StepPlan& plan, const ResidentPlan& p, Precision precision, int blocks) {
  ResidentArgs args;
  const Buffer& data = plan[p.gather.data];
  args.shape.rows = static_cast<int>(plan[p.gather.batch].shape[0]);
  args.shape.features = static_cast<int>(plan[p.gather.batch].shape[1]);
  args.shape.units = static_cast<int>(plan[p.encoder.output].shape[1]);
  args.shape.blocks = std::min(blocks, std::max(args.shape.features, args.shape.units));
  args.shape.data_bytes = static_cast<int>(size_of(data.dtype));
  args.shape.moments = p.update.optimizer.moments();
  args.shape.precision = precision;
  args.data_rows = data.shape[0];
  args.ring_capacity = plan[p.end.ring].shape[0];
  args.shuffle = p.gather.shuffle;
  args.seed = p.gather.seed;
  args.hidden = p.encoder.activation;
  args.output = p.reconstruction.activation;
  args.loss = p.reconstruction.loss;
  args.reduction = p.reconstruction.reduction;
  args.sparsity = p.penalty.kind;
  args.rho = p.penalty.rho;
  args.beta = p.penalty.beta;
  args.l1 = p.penalty.l1;
  args.weight_decay = p.update.weight_decay;
  args.optimizer = p.update.optimizer;
  return args;
}

ResidentMemory bound_memory(const StepPlan& plan, const ResidentPlan& p, const Bindings& bindings) {
  ResidentMemory m;
  m.data = bound<void>(plan, bindings, p.gather.data);
  m.state = bound<StepState>(plan, bindings, p.gather.state);
  m.scalars = bound<StepScalars>(plan, bindings, p.update.scalars);
  m.ring = bound<StepLoss>(plan, bindings, p.end.ring);
  m.w1 = bound(plan, bindings, p.encoder.weight);
  m.b1 = bound(plan, bindings, p.encoder.bias);
  m.w2 = bound(plan, bindings, p.decoder.weight);
  m.b2 = bound(plan, bindings, p.reconstruction.bias);
  const float* slab = bound(plan, bindings, p.update.parameters);
  const float* moments[] = {bound(plan, bindings, p.update.moment1), bound(plan, bindings, p.update.moment2)};
  for (int i = 0; i < p.update.optimizer.moments(); ++i) m.to_moment[i] = moments[i] - slab;
  return m;
}

/// What blocks exchange, all of it zero to begin with.
DeviceMemory place_exchange(ResidentArgs& args, const std::string& name, cudaStream_t stream) {
  const ResidentShape& s = args.shape;
  const std::int64_t values = std::int64_t{2} * 8 * 4 * s.blocks;
  const std::int64_t code = std::int64_t{code_bytes(s.precision)} * s.rows * args.layout.h_stride;
  const std::int64_t products = std::int64_t{4} * s.units * s.blocks * args.layout.m_stride;
  const auto aligned = [](std::int64_t bytes) { return (bytes + 255) / 256 * 256; };
  const std::int64_t bytes = aligned(values) + aligned(code) + products;
  DeviceMemory arena(bytes, fmt::format("what blocks exchange in {}", name), "use --engine graph or a smaller --batch");
  LACUNA_CUDA(cudaMemsetAsync(arena.get(), 0, static_cast<std::size_t>(bytes), stream));
  args.memory.values = reinterpret_cast<double*>(arena.get());
  args.memory.code = arena.get() + aligned(values);
  args.memory.products = reinterpret_cast<float*>(arena.get() + aligned(values) + aligned(code));
  return arena;
}

}  // namespace

bool runs_resident(const StepPlan& plan, Precision precision, int blocks, std::string& why) {
  ResidentPlan read;
  if (!read_resident_plan(plan, read, why)) return false;
  ResidentArgs args = arguments_of(plan, read, precision, blocks);
  return find_place(args, why);
}

std::unique_ptr<Executable> compile_resident(const StepPlan& plan, const Bindings& bindings, const Stream& stream,
                                             Precision precision, int blocks) {
  plan.validate();
  ResidentPlan read;
  std::string why;
  if (!read_resident_plan(plan, read, why)) throw InputError("--engine resident: " + why);
  ResidentArgs args = arguments_of(plan, read, precision, blocks);
  if (!find_place(args, why)) throw InputError("--engine resident: " + why);
  args.memory = bound_memory(plan, read, bindings);
  DeviceMemory arena = place_exchange(args, plan.name, stream.get());
  return std::make_unique<ResidentExecutable>(stream, std::move(arena), args);
}

}  // namespace lacuna::cuda
