#include <fmt/format.h>

#include <map>
#include <tuple>
#include <utility>

#include "lacuna/error.h"
#include "lacuna/math/penalty.h"
#include "lacuna/trainer.h"
#include "train/plans.h"
#include "train/sample_stream.h"

namespace lacuna {

namespace {

/// Rows follow each other, and so a window need not be large.
constexpr std::int64_t kWindowBytes = std::int64_t{16} << 20;

StreamOptions stream_options(const Dataset& data, const Network& network, bool unit_interval) {
  StreamOptions options;
  options.unit_interval = unit_interval;
  const std::int64_t row_bytes = data.features() * size_of(data.dtype());
  options.window = std::min(data.window(), std::max<std::int64_t>(1, kWindowBytes / row_bytes));
  options.labels = network.classifier && !data.labels().empty();
  return options;
}

}  // namespace

struct Evaluator::Impl {
  Backend& backend;
  const Network network;
  const Dataset dataset;
  const std::int64_t data_rows;
  std::int64_t batch;  // halved where a device has too little memory
  const DType data_type;
  double squared_weights = 0;
  std::unique_ptr<SampleStream> samples_stream;  // in place of data and labels
  bool unit_interval = false;                    // what streamed values must be in
  std::unique_ptr<DeviceBuffer> data, state, scalars, ring, parameters, result, sums, abs_sums, labels;
  /// By goal, element loss and rows. A loss is asked for again and again.
  std::map<std::tuple<ForwardGoal, Loss, std::int64_t>, std::unique_ptr<Executable>> executables;

  Impl(Backend& b, const Model& model, const Dataset& samples, std::int64_t rows)
      : backend(b),
        network(model.network),
        dataset(samples),
        data_rows(dataset.rows()),
        batch(std::min(rows, dataset.rows())),
        data_type(dataset.dtype()) {
    if (batch < 1) throw InputError("an evaluation needs samples and a batch of at least 1");
    if (dataset.features() != network.features())
      throw InputError(fmt::format("{} has {} values per sample, but the network takes {}", dataset.name(),
                                   dataset.features(), network.features()));
    const std::int64_t slab_bytes = model.layout.slab_elements() * size_of(DType::f32);
    const std::int64_t unit_bytes = network.code_units() * size_of(DType::f32);
    if (!dataset.streamed()) data = backend.place(dataset.values(), dataset.bytes(), "the data set");
    state = backend.allocate(sizeof(StepState), "state");
    scalars = backend.allocate(sizeof(StepScalars), "scalars");
    ring = backend.allocate(sizeof(StepLoss), "losses");
    parameters = backend.allocate(slab_bytes, "parameters");
    sums = backend.allocate(unit_bytes, "column sums");
    abs_sums = backend.allocate(unit_bytes, "column sums");
    take(model);
  }

  void take(const Model& model) {
    squared_weights = 0;
    for (const Parameter& parameter : model.layout.parameters()) {
      if (!parameter.decays || !parameter.alias_of.empty()) continue;
      const float* values = model.data(parameter.name);
      for (std::int64_t i = 0; i < parameter.elements(); ++i)
        squared_weights += static_cast<double>(values[i]) * static_cast<double>(values[i]);
    }
    backend.upload(*parameters, 0, model.parameters.data(), parameters->bytes());
  }

  /// Runs the forward plan over the data in consecutive batches; calls after_batch(rows) after each. `columns` of a
  /// batch's result are kept in `result`.
  template <class F>
  void run(ForwardGoal goal, const Objective& objective, std::int64_t columns, const F& after_batch) {
    prepare(goal, objective, columns);
    const StepState start{0, 0, samples_stream ? samples_stream->seek(0, 0, true) : 0};
    backend.upload(*state, 0, &start, sizeof start);
    const auto run_batches = [&](std::int64_t rows, std::int64_t count) {
      for (std::int64_t i = 0; i < count; ++i) {
        if (samples_stream) samples_stream->ready(rows, rows);
        executables.at({goal, objective.loss, rows})->run(1);
        if (samples_stream) samples_stream->used(rows);
        after_batch(rows);
      }
    };
    run_batches(batch, data_rows / batch);
    if (const std::int64_t rest = data_rows % batch; rest > 0) run_batches(rest, 1);
  }

  /// Compiles what run() needs, with the largest batch that there is memory for.
  void prepare(ForwardGoal goal, const Objective& objective, std::int64_t columns) {
    const bool needs_unit = goal == ForwardGoal::loss && !network.classifier && objective.loss == Loss::bce;
    if (std::exchange(unit_interval, needs_unit) != needs_unit) close_stream();
    while (!compile_all(goal, objective, columns)) batch = (batch + 1) / 2;
  }

  /// With the executables that are bound to its memory.
  void close_stream() {
    if (samples_stream) forget_executables();
    samples_stream.reset();
  }

  /// False where the device has too little memory for this batch; throws MemoryError where it has none for a sample.
  bool compile_all(ForwardGoal goal, const Objective& objective, std::int64_t columns) try {
    if (dataset.streamed() && !samples_stream)
      samples_stream =
          std::make_unique<SampleStream>(backend, dataset, batch, stream_options(dataset, network, unit_interval));
    if (columns > 0) result = backend.allocate(batch * columns * size_of(DType::f32), "the result of a batch");
    for (const std::int64_t rows : {batch, data_rows % batch}) {
      if (rows == 0) continue;
      auto& executable = executables[{goal, objective.loss, rows}];
      if (!executable) executable = compile(goal, objective, rows);
    }
    return true;
  } catch (const MemoryError&) {
    if (batch == 1) throw;
    forget_executables();
    samples_stream.reset();
    return false;
  }

  void forget_executables() {
    executables.clear();
    result.reset();
  }

  std::unique_ptr<Executable> compile(ForwardGoal goal, const Objective& objective, std::int64_t rows) {
    const std::int64_t rows_there = samples_stream ? samples_stream->rows() : data_rows;
    return backend.compile(build_forward_plan(network, goal, objective, rows, rows_there, data_type, 1),
                           {{names::kData, samples_stream ? &samples_stream->data() : data.get()},
                            {names::kLabels, samples_stream ? samples_stream->labels() : labels.get()},
                            {names::kState, state.get()},
                            {names::kScalars, scalars.get()},
                            {names::kRing, ring.get()},
                            {names::kParameters, parameters.get()},
                            {names::kColumnSums, sums.get()},
                            {names::kColumnAbsSums, abs_sums.get()},
                            {names::kCode, result.get()},
                            {names::kOutput, result.get()}});
  }

  /// Labels are the loss's alone: codes and answers are there for data that have none, or other classes.
  void place_labels() {
    if (labels) return;
    if (dataset.labels().empty()) throw InputError("the data have no labels to test a classifier on");
    require_labels(dataset, network.classes());
    if (!dataset.streamed()) labels = backend.place(dataset.labels().data(), 4 * data_rows, "the labels");
  }

  StepLoss classifier_loss(const Objective& objective) {
    place_labels();
    StepLoss total;
    run(ForwardGoal::loss, objective, 0, [&](std::int64_t rows) {
      StepLoss one;
      backend.download(&one, *ring, 0, sizeof one);
      total.reconstruction += one.reconstruction * static_cast<double>(rows) / static_cast<double>(data_rows);
      total.correct += one.correct;
    });
    total.samples = static_cast<double>(data_rows);
    total.weight_decay = 0.5 * objective.weight_decay * squared_weights;
    return total;
  }

  void stream(ForwardGoal goal, std::int64_t columns, const Sink& sink) {
    forget_executables();  // they would be bound to a result that is replaced
    std::vector<float> values;
    run(goal, Objective{}, columns, [&](std::int64_t rows) {
      values.resize(static_cast<std::size_t>(rows * columns));
      backend.download(values.data(), *result, 0, rows * columns * size_of(DType::f32));
      sink(values.data(), rows);
    });
    forget_executables();
  }
};

Evaluator::Evaluator(Backend& backend, const Model& model, const Dataset& data, std::int64_t batch)
    : impl_(std::make_unique<Impl>(backend, model, data, batch)) {}
Evaluator::~Evaluator() = default;

void Evaluator::update(const Model& model) {
  LACUNA_EXPECTS(static_cast<std::int64_t>(model.parameters.size()) * 4 == impl_->parameters->bytes(),
                 "the model has another network");
  impl_->take(model);
}

StepLoss Evaluator::loss(const Objective& objective, std::vector<double>* unit_means) {
  Impl& e = *impl_;
  objective.validate(e.network);
  if (e.network.classifier) return e.classifier_loss(objective);
  const Layer& code = e.network.code_layer();
  const auto columns = static_cast<std::size_t>(code.outputs), units = static_cast<std::size_t>(code.channels());
  const std::size_t positions = columns / units;
  std::vector<double> sums(units, 0.0);
  std::vector<float> batch_sums(columns);
  double reconstruction = 0, magnitude = 0;
  e.run(ForwardGoal::loss, objective, 0, [&](std::int64_t) {
    StepLoss batch_loss;
    e.backend.download(&batch_loss, *e.ring, 0, sizeof batch_loss);
    reconstruction += batch_loss.reconstruction;
    const std::int64_t bytes = e.sums->bytes();
    e.backend.download(batch_sums.data(), *e.sums, 0, bytes);
    for (std::size_t j = 0; j < columns; ++j) sums[j / positions] += static_cast<double>(batch_sums[j]);
    e.backend.download(batch_sums.data(), *e.abs_sums, 0, bytes);
    for (float sum : batch_sums) magnitude += static_cast<double>(sum);
  });

  const auto samples = static_cast<double>(e.data_rows);
  StepLoss total;
  total.samples = samples;
  total.reconstruction = reconstruction;
  if (objective.reduction != Reduction::sum) total.reconstruction /= samples;
  if (objective.reduction == Reduction::element) total.reconstruction /= static_cast<double>(e.network.features());
  for (double& sum : sums) {
    sum /= samples * static_cast<double>(positions);
    total.mean_activation += sum / static_cast<double>(units);
    if (objective.sparsity == Sparsity::kl)
      total.sparsity += objective.beta * math::KlPenalty::value(objective.rho, sum);
  }
  if (objective.sparsity == Sparsity::l1) total.sparsity = objective.l1 * magnitude / samples;
  total.weight_decay = 0.5 * objective.weight_decay * e.squared_weights;
  if (unit_means) *unit_means = std::move(sums);
  return total;
}

void Evaluator::encode(const Sink& sink) {
  impl_->stream(ForwardGoal::encode, impl_->network.code_units(), sink);
}
void Evaluator::reconstruct(const Sink& sink) {
  LACUNA_EXPECTS(!impl_->network.classifier, "a classifier reconstructs nothing");
  impl_->stream(ForwardGoal::reconstruct, impl_->network.features(), sink);
}
void Evaluator::classify(const Sink& sink) {
  LACUNA_EXPECTS(impl_->network.classifier.has_value(), "an autoencoder classifies nothing");
  impl_->stream(ForwardGoal::reconstruct, impl_->network.classes(), sink);
}

}  // namespace lacuna
