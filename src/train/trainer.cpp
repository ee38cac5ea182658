#include "lacuna/trainer.h"

#include <fmt/format.h>

#include <cmath>
#include <cstring>

#include "lacuna/error.h"
#include "train/lbfgs_training.h"
#include "train/plans.h"
#include "train/sample_stream.h"

namespace lacuna {

namespace {

/// Losses kept on the device before they are read back.
constexpr std::int64_t kRingCapacity = 256;

/// The sample count is a float32 scalar on the device; up to here it is exact.
constexpr std::int64_t kLargestBatch = std::int64_t{1} << 24;

/// [H, W] or [channels, H, W]; all 0 where samples are no images.
ImageExtents image_of(const Shape& sample) {
  if (sample.rank() == 2) return {1, sample[0], sample[1]};
  if (sample.rank() == 3) return {sample[0], sample[1], sample[2]};
  return {};
}

void validate_shift(const InputNoise& noise, const Dataset& data) {
  const ImageExtents image = image_of(data.sample_shape());
  if (image.elements() == 0)
    throw InputError(fmt::format("{} has samples of {}: only images, [H, W] or [channels, H, W], can be moved",
                                 data.name(), to_string(data.sample_shape())));
  const std::int64_t smaller = std::min(image.height, image.width);
  if (!(noise.amount >= 0 && noise.amount < static_cast<double>(smaller)) || noise.amount != std::floor(noise.amount))
    throw InputError(fmt::format("images of {} are to be moved by up to {} pixels: it must be a whole number below {}",
                                 to_string(data.sample_shape()), noise.amount, smaller));
}

void validate_noise(const TrainerOptions& options, const Network& network, const Dataset& data) {
  const InputNoise& noise = options.noise;
  const bool gaussian = noise.kind == NoiseKind::gaussian;
  if (noise.kind == NoiseKind::shift)
    validate_shift(noise, data);
  else if (!(noise.amount >= 0) || !std::isfinite(noise.amount) || (!gaussian && noise.amount >= 1))
    throw InputError(fmt::format("noise is {}: it must be {}", noise.amount,
                                 gaussian ? "a finite number of at least 0" : "in [0, 1)"));
  if (!(options.dropout >= 0 && options.dropout < 1))
    throw InputError(fmt::format("dropout is {}: it must be in [0, 1)", options.dropout));
  if (options.kept_at_start < 0 || options.anneal_steps < 0)
    throw InputError("the units kept at the start, and the steps until k is reached, cannot be negative");
  if (options.kept_at_start > network.code_units())
    throw InputError(fmt::format("k at the start is {}: it must be at most the {} units of the code",
                                 options.kept_at_start, network.code_units()));
}

/// A line search compares values of one objective, over all samples.
void require_one_objective(const TrainerOptions& options, const Dataset& data) {
  if (data.streamed())
    throw InputError(
        fmt::format("lbfgs takes all samples at once, but {} is streamed: use adam or sgd, fewer samples "
                    "(--limit) or --stream off",
                    data.name()));
  const char* changes = options.noise.amount > 0                                ? "noise on the input"
                        : options.dropout > 0                                   ? "dropout"
                        : options.kept_at_start > 0 && options.anneal_steps > 0 ? "a k that changes"
                                                                                : nullptr;
  if (changes)
    throw InputError(
        fmt::format("lbfgs needs an objective that stays the same, but {} makes another one of it in each "
                    "evaluation: use adam or sgd",
                    changes));
}

}  // namespace

void validate_training(const Network& network, const Dataset& data, const TrainerOptions& options) {
  options.objective.validate(network);
  options.optimizer.validate();
  const bool full_batch = options.optimizer.kind == OptimizerKind::lbfgs;
  if (!full_batch && options.batch < 1)
    throw InputError(fmt::format("batch is {}: it must be at least 1", options.batch));
  if (data.rows() < 1) throw InputError("the data set has no samples");
  const std::int64_t batch = full_batch ? data.rows() : std::min(options.batch, data.rows());
  if (batch > kLargestBatch)
    throw InputError(
        fmt::format("batch is {}: it must be at most {}", full_batch ? batch : options.batch, kLargestBatch));
  if (data.features() != network.features())
    throw InputError(fmt::format("{} has {} values per sample, but the network takes {}", data.name(), data.features(),
                                 network.features()));
  if (network.classifier) require_labels(data, network.classes());
  validate_noise(options, network, data);
  const auto layers = static_cast<std::int64_t>(network.encoder.size() + network.decoder.size());
  if (options.frozen_layers < 0 || options.frozen_layers > layers - (network.classifier ? 0 : 1))
    throw InputError(fmt::format("{} layers cannot stay frozen of a network with {} besides its last",
                                 options.frozen_layers, layers));
  if (full_batch) require_one_objective(options, data);
}

void LossMeans::add(const StepLoss& step) {
  const double before = samples;
  samples += step.samples;
  const double old = before / samples, fresh = step.samples / samples;
  reconstruction = reconstruction * old + step.reconstruction * fresh;
  sparsity = sparsity * old + step.sparsity * fresh;
  weight_decay = weight_decay * old + step.weight_decay * fresh;
  mean_activation = mean_activation * old + step.mean_activation * fresh;
  correct = correct * old + step.correct / samples;
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

  std::unique_ptr<SampleStream> stream;  // in place of data and labels
  bool aimed = false;                    // the device's position is where the stream's next sample lies
  std::unique_ptr<DeviceBuffer> data, labels, state_buffer, scalars, ring, parameters, gradients;
  std::vector<std::unique_ptr<DeviceBuffer>> moments;
  std::unique_ptr<Executable> full, last;  // batches of `batch` rows; the smaller one that ends an epoch
  std::unique_ptr<Executable> timed;       // in place of `full` for ...
  std::int64_t timed_steps = 0;            // ... so many steps
  std::unique_ptr<LbfgsTraining> lbfgs;    // in their place

  /// Steps that were queued together, and where the device puts their losses and the state after them.
  struct Chunk {
    std::unique_ptr<Readback> readback;  // the ring, then the state
    std::int64_t steps = 0;
    StepState after;
  };
  Chunk chunks[2];  // one being worked on while the other's losses are looked at

  StepState position;  // after the last step whose loss was looked at
  LossMeans means;

  Impl(Backend& b, Model model, const Dataset& dataset, const TrainerOptions& o) : backend(b), options(o) {
    validate_training(model.network, dataset, options);
    options.image = image_of(dataset.sample_shape());
    const bool full_batch = options.optimizer.kind == OptimizerKind::lbfgs;
    if (full_batch) options.batch = dataset.rows();
    data_rows = dataset.rows();
    data_type = dataset.dtype();
    batch = std::min(options.batch, data_rows);
    tail = data_rows % batch;
    slab_bytes = model.layout.slab_elements() * size_of(DType::f32);

    if (dataset.streamed())
      stream = std::make_unique<SampleStream>(backend, dataset, batch, stream_options(dataset, model.network));
    else
      data = backend.place(dataset.values(), dataset.bytes(), "the data set");
    state_buffer = backend.allocate(sizeof(StepState), "state");
    scalars = backend.allocate(sizeof(StepScalars), "scalars");
    ring = backend.allocate(kRingCapacity * static_cast<std::int64_t>(sizeof(StepLoss)), "losses");
    parameters = backend.allocate(slab_bytes, "parameters");
    gradients = backend.allocate(slab_bytes, "gradients");
    for (int i = 0; !full_batch && i < options.optimizer.moments(); ++i)
      moments.push_back(backend.allocate(slab_bytes, "optimizer moments"));
    if (model.network.classifier && !stream)
      labels = backend.place(dataset.labels().data(), 4 * data_rows, "the labels");
    backend.upload(*parameters, 0, model.parameters.data(), slab_bytes);
    model.parameters = {};
    shell = std::move(model);

    if (full_batch) {
      lbfgs = std::make_unique<LbfgsTraining>(backend, shell.network, options, data_rows, data_type, bindings());
      return;
    }
    full = compile(batch);
    if (tail) last = compile(tail);
    for (Chunk& chunk : chunks) chunk.readback = backend.readback({ring.get(), state_buffer.get()});
  }

  StreamOptions stream_options(const Dataset& dataset, const Network& network) const {
    const bool classifies = network.classifier.has_value();
    return {options.shuffle, options.seed, dataset.window(), classifies,
            !classifies && options.objective.loss == Loss::bce};
  }

  Bindings bindings() const {
    Bindings all{{names::kData, stream ? &stream->data() : data.get()},
                 {names::kState, state_buffer.get()},
                 {names::kScalars, scalars.get()},
                 {names::kRing, ring.get()},
                 {names::kParameters, parameters.get()},
                 {names::kGradients, gradients.get()}};
    if (DeviceBuffer* bound = stream ? stream->labels() : labels.get()) all[names::kLabels] = bound;
    if (!moments.empty()) all[names::kMoment1] = moments[0].get();
    if (moments.size() > 1) all[names::kMoment2] = moments[1].get();
    return all;
  }

  StepPlan plan(std::int64_t rows) const {
    TrainerOptions as_planned = options;
    if (stream) as_planned.shuffle = false;  // samples come in the order in which they are used
    const std::int64_t rows_there = stream ? stream->rows() : data_rows;
    return build_training_plan(shell.network, as_planned, rows, rows_there, data_type, kRingCapacity);
  }
  std::unique_ptr<Executable> compile(std::int64_t rows) { return backend.compile(plan(rows), bindings()); }

  void profile(std::int64_t steps, StepProfile& into) {
    if (lbfgs) throw InputError("an iteration of lbfgs is no list of operations that could be timed: use adam or sgd");
    into.plan = plan(batch);
    timed_steps = steps;
    if (steps > 0) timed = backend.compile_timed(into.plan, bindings(), into.times);
  }

  /// Steps on whole batches; those that are to be timed come first.
  std::int64_t run_full(std::int64_t steps, const std::atomic<bool>* stop) {
    if (!timed) return full->run(steps, stop);
    const std::int64_t wanted = std::min(steps, timed_steps), done = timed->run(wanted, stop);
    timed_steps -= done;
    if (timed_steps == 0) timed.reset();
    return done < wanted ? done : done + full->run(steps - done, stop);
  }

  /// Points the device at the stream's next sample: where an epoch begins, or a run goes on.
  void aim() {
    if (aimed) return;
    const StepState there{position.step, position.epoch, stream->seek(position.epoch, position.position)};
    backend.upload(*state_buffer, 0, &there, sizeof there);
    aimed = true;
  }

  /// Calls run, which returns how many steps it queued, for up to `steps` steps on `rows` samples, as far as these are
  /// there.
  template <class Run>
  std::int64_t run_ready(std::int64_t rows, std::int64_t steps, const Run& run) {
    if (steps == 0 || !stream) return run(steps);
    const std::int64_t done = run(stream->ready(rows, steps * rows) / rows);
    stream->used(done * rows);
    return done;
  }

  /// Queues up to `steps` steps, at most a ring of them and to the end of the epoch that `ahead` is in, and moves
  /// `ahead` to where the device will be after them.
  void begin_chunk(Chunk& chunk, std::int64_t steps, StepState& ahead, const std::atomic<bool>* stop) {
    const std::int64_t wanted = std::min(steps, kRingCapacity);
    chunk.steps = run_ready(batch, std::min(wanted, (data_rows - ahead.position) / batch),
                            [&](std::int64_t ready) { return run_full(ready, stop); });
    ahead.position += chunk.steps * batch;
    const bool only_tail_left = tail && ahead.position == data_rows - tail;
    const auto run_last = [&](std::int64_t ready) { return last->run(ready, stop); };
    if (only_tail_left && chunk.steps < wanted && run_ready(tail, 1, run_last) == 1) {
      chunk.steps += 1;
      ahead.position += tail;
    }
    ahead.step += chunk.steps;
    if (ahead.position == data_rows) {
      ahead.position = 0;
      ahead.epoch += 1;
    }
    chunk.after = ahead;
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
    // The device counts the samples of a stream as they lie in its memory.
    if (stream)
      position = chunk.after;
    else
      std::memcpy(&position, bytes + kRingCapacity * static_cast<std::int64_t>(sizeof(StepLoss)), sizeof position);
  }

  /// Runs up to `steps`, at most to the end of the epoch; calls f for each step's loss. While the losses of one chunk
  /// are looked at, the device is busy with the next.
  template <class F>
  std::int64_t run_in_epoch(std::int64_t steps, const std::atomic<bool>* stop, const F& f) {
    if (lbfgs) return steps > 0 && !(stop && stop->load()) ? iterate(f) : 0;
    if (position.position == 0) {
      means = {};
      aimed = false;
    }
    if (stream) aim();
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

  /// One iteration of L-BFGS, if there is a step left to make.
  template <class F>
  std::int64_t iterate(const F& f) {
    const StepLoss loss = lbfgs->loss();
    if (!std::isfinite(loss.total()))
      throw Error(
          fmt::format("the loss is {} where lbfgs starts, and no step can be measured by it: begin with other "
                      "parameters",
                      loss.total()));
    if (!lbfgs->iterate()) return 0;
    ++position.step;
    ++position.epoch;
    means = {};
    means.add(loss);
    f(loss);
    return 1;
  }
};

Trainer::Trainer(Backend& backend, Model model, const Dataset& data, const TrainerOptions& options)
    : impl_(std::make_unique<Impl>(backend, std::move(model), data, options)) {}
Trainer::~Trainer() = default;

std::int64_t Trainer::steps_per_epoch() const {
  return (impl_->data_rows + impl_->batch - 1) / impl_->batch;
}
std::vector<std::string> Trainer::remarks() const {
  std::vector<std::string> all = impl_->lbfgs ? impl_->lbfgs->remarks() : impl_->full->remarks();
  if (impl_->stream) all.push_back(impl_->stream->remark());
  return all;
}
void Trainer::profile(std::int64_t steps, StepProfile& profile) {
  impl_->profile(steps, profile);
}
Engine Trainer::engine() const {
  return impl_->full ? impl_->full->engine() : Engine::automatic;
}
ProductAlgorithms Trainer::products() const {
  if (impl_->lbfgs) return impl_->lbfgs->products();
  ProductAlgorithms all = impl_->full->products();
  if (impl_->last) all.merge(impl_->last->products());
  return all;
}
std::string Trainer::finished() const {
  return impl_->lbfgs ? impl_->lbfgs->finished() : std::string();
}
std::int64_t Trainer::evaluations() const {
  return impl_->lbfgs ? impl_->lbfgs->evaluations() : 0;
}
bool Trainer::classifies() const {
  return impl_->shell.network.classifier.has_value();
}
StepState Trainer::position() const {
  return impl_->position;
}
const LossMeans& Trainer::epoch_means() const {
  return impl_->means;
}

std::vector<StepLoss> Trainer::run(std::int64_t steps, const std::atomic<bool>* stop) {
  std::vector<StepLoss> all;
  while (static_cast<std::int64_t>(all.size()) < steps && !(stop && stop->load()) && finished().empty())
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
  if (impl_->lbfgs) impl_->lbfgs->save(state);
  state.position = impl_->position;
  state.epoch_means = impl_->means;
  return state;
}

void Trainer::restore(const TrainingState& state) {
  Impl& to = *impl_;
  const auto& mine = to.shell.layout.parameters();
  const auto& theirs = state.model.layout.parameters();
  for (std::size_t i = 0; i < std::max(mine.size(), theirs.size()); ++i) {
    const auto text = [i](const std::vector<Parameter>& of) {
      return i < of.size() ? fmt::format("{} {}", of[i].name, to_string(of[i].shape)) : std::string("nothing");
    };
    if (text(mine) != text(theirs))
      throw InputError(
          fmt::format("the checkpoint's layers are not those of this network: it has {} where the network "
                      "has {}",
                      text(theirs), text(mine)));
  }
  if (to.lbfgs)
    to.lbfgs->require_restorable(state);
  else if (state.moments.size() != to.moments.size())
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
  if (to.lbfgs) to.lbfgs->restore(state);
  to.position = p;
  to.aimed = false;
  to.means = state.epoch_means;
}

Model Trainer::model() {
  Model copy = impl_->shell;
  copy.parameters.resize(static_cast<std::size_t>(copy.layout.slab_elements()));
  impl_->backend.download(copy.parameters.data(), *impl_->parameters, 0, impl_->slab_bytes);
  return copy;
}

}  // namespace lacuna
