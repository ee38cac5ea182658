#include <fmt/format.h>

#include <map>
#include <tuple>
#include <utility>

#include "lacuna/error.h"
#include "lacuna/math/penalty.h"
#include "lacuna/trainer.h"
#include "train/evaluation_sums.h"
#include "train/plans.h"
#include "train/sample_stream.h"

namespace lacuna {

namespace {

/// Rows follow each other, and so a window need not be large.
constexpr std::int64_t kWindowBytes = std::int64_t{16} << 20;
/// What evaluate() looks at is copied to the host in pieces that stay in a processor's cache.
constexpr std::int64_t kPieceBytes = std::int64_t{512} << 10;

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
  std::unique_ptr<DeviceBuffer> data, state, scalars, ring, parameters, sums, abs_sums, labels;
  std::unique_ptr<DeviceBuffer> input, code, output;  // of a batch, where the goal is to have them
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

  /// Runs the forward plan over the data in consecutive batches; calls after_batch(rows) after each.
  template <class F>
  void run(ForwardGoal goal, const Objective& objective, const F& after_batch) {
    prepare(goal, objective);
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
  void prepare(ForwardGoal goal, const Objective& objective) {
    const bool compares = goal == ForwardGoal::loss || goal == ForwardGoal::evaluate;
    const bool needs_unit = compares && !network.classifier && objective.loss == Loss::bce;
    if (std::exchange(unit_interval, needs_unit) != needs_unit) close_stream();
    while (!compile_all(goal, objective)) batch = (batch + 1) / 2;
  }

  /// With the executables that are bound to its memory.
  void close_stream() {
    if (samples_stream) forget_executables();
    samples_stream.reset();
  }

  /// False where the device has too little memory for this batch; throws MemoryError where it has none for a sample.
  bool compile_all(ForwardGoal goal, const Objective& objective) try {
    if (dataset.streamed() && !samples_stream)
      samples_stream =
          std::make_unique<SampleStream>(backend, dataset, batch, stream_options(dataset, network, unit_interval));
    allocate_results(goal);
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

  void allocate_results(ForwardGoal goal) {
    if (goal == ForwardGoal::loss) return;
    forget_executables();  // they would be bound to what is replaced
    const auto rows_of = [&](std::int64_t columns) {
      return backend.allocate(batch * columns * size_of(DType::f32), "the result of a batch");
    };
    const bool all = goal == ForwardGoal::evaluate;
    if (all) input = rows_of(network.features());
    if (all || goal == ForwardGoal::encode) code = rows_of(network.code_units());
    if (all || goal == ForwardGoal::reconstruct) output = rows_of(output_columns());
  }

  std::int64_t output_columns() const { return network.classifier ? network.classes() : network.features(); }

  void forget_executables() {
    executables.clear();
    input.reset();
    code.reset();
    output.reset();
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
                            {names::kBatch, input.get()},
                            {names::kCode, code.get()},
                            {names::kOutput, output.get()}});
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
    run(ForwardGoal::loss, objective, [&](std::int64_t rows) {
      StepLoss one;
      backend.download(&one, *ring, 0, sizeof one);
      total.reconstruction += one.reconstruction * static_cast<double>(rows) / static_cast<double>(data_rows);
      total.correct += one.correct;
    });
    total.samples = static_cast<double>(data_rows);
    total.weight_decay = 0.5 * objective.weight_decay * squared_weights;
    return total;
  }

  void stream(ForwardGoal goal, const std::unique_ptr<DeviceBuffer>& result, std::int64_t columns, const Sink& sink) {
    std::vector<float> values;
    run(goal, Objective{}, [&](std::int64_t rows) {
      download_rows(values, *result, columns, 0, rows);
      sink(values.data(), rows);
    });
    forget_executables();
  }

  void download_rows(std::vector<float>& to, DeviceBuffer& from, std::int64_t columns, std::int64_t begin,
                     std::int64_t rows) {
    to.resize(static_cast<std::size_t>(rows * columns));
    backend.download(to.data(), from, begin * columns * size_of(DType::f32), rows * columns * size_of(DType::f32));
  }

  /// An autoencoder's. Calls after_batch(rows) after each batch.
  template <class F>
  StepLoss loss(ForwardGoal goal, const Objective& objective, std::vector<double>& unit_means, const F& after_batch) {
    const Layer& layer = network.code_layer();
    const auto columns = static_cast<std::size_t>(layer.outputs), units = static_cast<std::size_t>(layer.channels());
    const std::size_t positions = columns / units;
    unit_means.assign(units, 0.0);
    std::vector<float> batch_sums(columns);
    double reconstruction = 0, magnitude = 0;
    run(goal, objective, [&](std::int64_t rows) {
      StepLoss batch_loss;
      backend.download(&batch_loss, *ring, 0, sizeof batch_loss);
      reconstruction += batch_loss.reconstruction;
      backend.download(batch_sums.data(), *sums, 0, sums->bytes());
      for (std::size_t j = 0; j < columns; ++j) unit_means[j / positions] += static_cast<double>(batch_sums[j]);
      backend.download(batch_sums.data(), *abs_sums, 0, sums->bytes());
      for (float sum : batch_sums) magnitude += static_cast<double>(sum);
      after_batch(rows);
    });

    const auto rows = static_cast<double>(data_rows);
    StepLoss total;
    total.samples = rows;
    total.reconstruction = reconstruction;
    if (objective.reduction != Reduction::sum) total.reconstruction /= rows;
    if (objective.reduction == Reduction::element) total.reconstruction /= static_cast<double>(network.features());
    for (double& mean : unit_means) {
      mean /= rows * static_cast<double>(positions);
      total.mean_activation += mean / static_cast<double>(units);
      if (objective.sparsity == Sparsity::kl)
        total.sparsity += objective.beta * math::KlPenalty::value(objective.rho, mean);
    }
    if (objective.sparsity == Sparsity::l1) total.sparsity = objective.l1 * magnitude / rows;
    total.weight_decay = 0.5 * objective.weight_decay * squared_weights;
    return total;
  }

  Evaluation evaluate(const Objective& objective) {
    const std::int64_t features = network.features(), units = network.code_units();
    const std::int64_t piece = std::max<std::int64_t>(1, kPieceBytes / ((2 * features + units) * size_of(DType::f32)));
    const bool counts = ActiveUnits::countable(network.code_layer());
    ActiveUnits active(network.code_layer());
    ExplainedVariance explained(features);
    std::vector<float> x, h, y;
    Evaluation result;
    result.loss = loss(ForwardGoal::evaluate, objective, result.unit_means, [&](std::int64_t batch_rows) {
      for (std::int64_t begin = 0; begin < batch_rows; begin += piece) {
        const std::int64_t rows = std::min(piece, batch_rows - begin);
        download_rows(x, *input, features, begin, rows);
        download_rows(y, *output, features, begin, rows);
        explained.add(x.data(), y.data(), rows);
        if (!counts) continue;
        download_rows(h, *code, units, begin, rows);
        active.add(h.data(), rows);
      }
    });
    forget_executables();
    if (counts) {
      result.l0 = active.l0();
      result.dead_units = active.dead();
    }
    result.explained_variance = explained.value();
    return result;
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
  std::vector<double> means;
  const StepLoss total = e.loss(ForwardGoal::loss, objective, means, [](std::int64_t) {});
  if (unit_means) *unit_means = std::move(means);
  return total;
}

Evaluation Evaluator::evaluate(const Objective& objective) {
  LACUNA_EXPECTS(!impl_->network.classifier, "a classifier has no code and no output to evaluate");
  objective.validate(impl_->network);
  return impl_->evaluate(objective);
}

void Evaluator::encode(const Sink& sink) {
  impl_->stream(ForwardGoal::encode, impl_->code, impl_->network.code_units(), sink);
}
void Evaluator::reconstruct(const Sink& sink) {
  LACUNA_EXPECTS(!impl_->network.classifier, "a classifier reconstructs nothing");
  impl_->stream(ForwardGoal::reconstruct, impl_->output, impl_->output_columns(), sink);
}
void Evaluator::classify(const Sink& sink) {
  LACUNA_EXPECTS(impl_->network.classifier.has_value(), "an autoencoder classifies nothing");
  impl_->stream(ForwardGoal::reconstruct, impl_->output, impl_->output_columns(), sink);
}

}  // namespace lacuna
