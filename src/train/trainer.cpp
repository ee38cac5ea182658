#include "lacuna/trainer.h"

#include <fmt/format.h>

#include <cmath>
#include <cstring>

#include "lacuna/error.h"
#include "train/plans.h"

namespace lacuna {

namespace {

/// Losses kept on the device before they are read back.
constexpr std::int64_t kRingCapacity = 256;

/// The sample count is a float32 scalar on the device; up to here it is exact.
constexpr std::int64_t kLargestBatch = std::int64_t{1} << 24;

}  // namespace

void LossMeans::add(const StepLoss& step) {
  const double before = samples;
  samples += step.samples;
  const double old = before / samples, fresh = step.samples / samples;
  reconstruction = reconstruction * old + step.reconstruction * fresh;
  sparsity = sparsity * old + step.sparsity * fresh;
  weight_decay = weight_decay * old + step.weight_decay * fresh;
  mean_activation = mean_activation * old + step.mean_activation * fresh;
}

DivergedError::DivergedError(std::int64_t step, const StepLoss& loss)
    : Error(fmt::format("the loss became {} at step {} (reconstruction {:g}, sparsity {:g}, weight decay {:g}); try a "
                        "smaller learning rate",
                        std::isnan(loss.total()) ? "NaN" : "infinite", step, loss.reconstruction, loss.sparsity,
                        loss.weight_decay)),
      step_(step) {}

struct Trainer::Impl {
  Backend& backend;
  TrainerOptions options;
  Model shell;  // the model without its parameters, which live on the backend
  std::int64_t data_rows, batch, tail;
  DType data_type;
  std::int64_t slab_bytes;

  std::unique_ptr<DeviceBuffer> data, state_buffer, scalars, ring, parameters, gradients;
  std::vector<std::unique_ptr<DeviceBuffer>> moments;
  std::unique_ptr<Executable> full, last;  // batches of `batch` rows; the smaller one that ends an epoch

  /// Steps that were queued together, and where the device puts their losses and the state after them.
  struct Chunk {
    std::unique_ptr<Readback> readback;  // the ring, then the state
    std::int64_t steps = 0;
  };
  Chunk chunks[2];  // one being worked on while the other's losses are looked at

  StepState position;  // after the last step whose loss was looked at
  LossMeans means;

  Impl(Backend& b, Model model, const Dataset& dataset, const TrainerOptions& o) : backend(b), options(o) {
    options.objective.validate(model.network);
    options.optimizer.validate();
    if (options.batch < 1) throw InputError(fmt::format("batch is {}: it must be at least 1", options.batch));
    if (dataset.rows() < 1) throw InputError("the data set has no samples");
    if (std::min(options.batch, dataset.rows()) > kLargestBatch)
      throw InputError(fmt::format("batch is {}: it must be at most {}", options.batch, kLargestBatch));
    if (dataset.features() != model.network.features())
      throw InputError(fmt::format("{} has {} values per sample, but the network takes {}", dataset.name(),
                                   dataset.features(), model.network.features()));
    data_rows = dataset.rows();
    data_type = dataset.dtype();
    batch = std::min(options.batch, data_rows);
    tail = data_rows % batch;
    slab_bytes = model.layout.slab_elements() * size_of(DType::f32);

    data = backend.place(dataset.values(), dataset.bytes(), "the data set");
    state_buffer = backend.allocate(sizeof(StepState), "state");
    scalars = backend.allocate(sizeof(StepScalars), "scalars");
    ring = backend.allocate(kRingCapacity * static_cast<std::int64_t>(sizeof(StepLoss)), "losses");
    parameters = backend.allocate(slab_bytes, "parameters");
    gradients = backend.allocate(slab_bytes, "gradients");
    for (int i = 0; i < options.optimizer.moments(); ++i)
      moments.push_back(backend.allocate(slab_bytes, "optimizer moments"));
    backend.upload(*parameters, 0, model.parameters.data(), slab_bytes);
    model.parameters = {};
    shell = std::move(model);

    full = compile(batch);
    if (tail) last = compile(tail);
    for (Chunk& chunk : chunks) chunk.readback = backend.readback({ring.get(), state_buffer.get()});
  }

  std::unique_ptr<Executable> compile(std::int64_t rows) {
    Bindings bindings{
        {names::kData, data.get()}, {names::kState, state_buffer.get()},    {names::kScalars, scalars.get()},
        {names::kRing, ring.get()}, {names::kParameters, parameters.get()}, {names::kGradients, gradients.get()}};
    if (!moments.empty()) bindings[names::kMoment1] = moments[0].get();
    if (moments.size() > 1) bindings[names::kMoment2] = moments[1].get();
    return backend.compile(build_training_plan(shell.network, options, rows, data_rows, data_type, kRingCapacity),
                           bindings);
  }

  /// Queues up to `steps` steps, at most a ring of them and to the end of the epoch that `ahead` is in, and moves
  /// `ahead` to where the device will be after them.
  void begin_chunk(Chunk& chunk, std::int64_t steps, StepState& ahead, const std::atomic<bool>* stop) {
    const std::int64_t wanted = std::min(steps, kRingCapacity);
    const std::int64_t full_wanted = std::min(wanted, (data_rows - ahead.position) / batch);
    chunk.steps = full->run(full_wanted, stop);
    ahead.position += chunk.steps * batch;
    if (chunk.steps == full_wanted && chunk.steps < wanted && tail && last->run(1, stop) == 1) {
      chunk.steps += 1;
      ahead.position += tail;
    }
    ahead.step += chunk.steps;
    if (ahead.position == data_rows) {
      ahead.position = 0;
      ahead.epoch += 1;
    }
    chunk.readback->begin();
  }

  /// Waits for a chunk and calls f for the loss of each of its steps.
  template <class F>
  void end_chunk(const Chunk& chunk, const F& f) {
    const std::byte* bytes = chunk.readback->wait();
    for (std::int64_t i = 0; i < chunk.steps; ++i) {
      StepLoss loss;
      std::memcpy(&loss, bytes + position.step % kRingCapacity * static_cast<std::int64_t>(sizeof loss), sizeof loss);
      ++position.step;
      if (!std::isfinite(loss.total())) throw DivergedError(position.step, loss);
      means.add(loss);
      f(loss);
    }
    std::memcpy(&position, bytes + kRingCapacity * static_cast<std::int64_t>(sizeof(StepLoss)), sizeof position);
  }

  /// Runs up to `steps`, at most to the end of the epoch; calls f for each step's loss. While the losses of one chunk
  /// are looked at, the device is busy with the next.
  template <class F>
  std::int64_t run_in_epoch(std::int64_t steps, const std::atomic<bool>* stop, const F& f) {
    if (position.position == 0) means = {};
    StepState ahead = position;
    std::int64_t done = 0;
    const Chunk* before = nullptr;
    for (int next = 0; done < steps && ahead.epoch == position.epoch && !(stop && stop->load()); next = 1 - next) {
      begin_chunk(chunks[next], steps - done, ahead, stop);
      done += chunks[next].steps;
      if (before) end_chunk(*before, f);
      before = &chunks[next];
    }
    if (before) end_chunk(*before, f);
    return done;
  }
};

Trainer::Trainer(Backend& backend, Model model, const Dataset& data, const TrainerOptions& options)
    : impl_(std::make_unique<Impl>(backend, std::move(model), data, options)) {}
Trainer::~Trainer() = default;

std::int64_t Trainer::steps_per_epoch() const {
  return (impl_->data_rows + impl_->batch - 1) / impl_->batch;
}
std::vector<std::string> Trainer::remarks() const {
  return impl_->full->remarks();
}
StepState Trainer::position() const {
  return impl_->position;
}
const LossMeans& Trainer::epoch_means() const {
  return impl_->means;
}

std::vector<StepLoss> Trainer::run(std::int64_t steps, const std::atomic<bool>* stop) {
  std::vector<StepLoss> all;
  while (static_cast<std::int64_t>(all.size()) < steps && !(stop && stop->load()))
    impl_->run_in_epoch(steps - static_cast<std::int64_t>(all.size()), stop,
                        [&all](const StepLoss& loss) { all.push_back(loss); });
  return all;
}

std::int64_t Trainer::run_within_epoch(std::int64_t steps, const std::atomic<bool>* stop) {
  return impl_->run_in_epoch(steps, stop, [](const StepLoss&) {});
}

TrainingState Trainer::state() {
  TrainingState state;
  state.model = model();
  for (const auto& moment : impl_->moments) {
    state.moments.emplace_back(state.model.parameters.size());
    impl_->backend.download(state.moments.back().data(), *moment, 0, impl_->slab_bytes);
  }
  state.position = impl_->position;
  state.epoch_means = impl_->means;
  return state;
}

void Trainer::restore(const TrainingState& state) {
  Impl& to = *impl_;
  const auto& mine = to.shell.layout.parameters();
  const auto& theirs = state.model.layout.parameters();
  const bool same =
      std::equal(mine.begin(), mine.end(), theirs.begin(), theirs.end(),
                 [](const Parameter& a, const Parameter& b) { return a.name == b.name && a.shape == b.shape; });
  if (!same) throw InputError("the checkpoint's layers are not those of this network");
  if (state.moments.size() != to.moments.size())
    throw InputError(fmt::format("the checkpoint has {} optimizer moments per parameter, but this optimizer needs {}",
                                 state.moments.size(), to.moments.size()));
  const StepState& p = state.position;
  if (p.step < 0 || p.epoch < 0 || p.position < 0 || p.position >= to.data_rows || p.position % to.batch != 0)
    throw InputError(
        fmt::format("the checkpoint stands at step {}, epoch {}, sample {}, which does not fit {} samples in "
                    "batches of {}",
                    p.step, p.epoch, p.position, to.data_rows, to.batch));
  to.backend.upload(*to.parameters, 0, state.model.parameters.data(), to.slab_bytes);
  for (std::size_t i = 0; i < to.moments.size(); ++i)
    to.backend.upload(*to.moments[i], 0, state.moments[i].data(), to.slab_bytes);
  to.backend.upload(*to.state_buffer, 0, &p, sizeof p);
  to.position = p;
  to.means = state.epoch_means;
}

Model Trainer::model() {
  Model copy = impl_->shell;
  copy.parameters.resize(static_cast<std::size_t>(copy.layout.slab_elements()));
  impl_->backend.download(copy.parameters.data(), *impl_->parameters, 0, impl_->slab_bytes);
  return copy;
}

}  // namespace lacuna
