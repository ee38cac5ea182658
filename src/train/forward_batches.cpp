#include "train/forward_batches.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "lacuna/error.h"

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

ForwardBatches::ForwardBatches(Backend& backend, const Model& model, const Dataset& samples, std::int64_t rows)
    : backend_(backend),
      network_(model.network),
      dataset_(samples),
      data_rows_(dataset_.rows()),
      batch_(std::min(rows, dataset_.rows())) {
  if (batch_ < 1) throw InputError("an evaluation needs samples and a batch of at least 1");
  if (dataset_.features() != network_.features())
    throw InputError(fmt::format("{} has {} values per sample, but the network takes {}", dataset_.name(),
                                 dataset_.features(), network_.features()));
  const std::int64_t slab_bytes = model.layout.slab_elements() * size_of(DType::f32);
  const std::int64_t unit_bytes = network_.code_units() * size_of(DType::f32);
  if (!dataset_.streamed()) data_ = backend.place(dataset_.values(), dataset_.bytes(), "the data set");
  state_ = backend.allocate(sizeof(StepState), "state");
  scalars_ = backend.allocate(sizeof(StepScalars), "scalars");
  ring_ = backend.allocate(sizeof(StepLoss), "losses");
  parameters_ = backend.allocate(slab_bytes, "parameters");
  sums_ = backend.allocate(unit_bytes, "column sums");
  abs_sums_ = backend.allocate(unit_bytes, "column sums");
  take_parameters(model);
}

void ForwardBatches::take_parameters(const Model& model) {
  backend_.upload(*parameters_, 0, model.parameters.data(), parameters_->bytes());
}

void ForwardBatches::place_labels() {
  if (labels_) return;
  if (dataset_.labels().empty()) throw InputError("the data have no labels to test a classifier on");
  require_labels(dataset_, network_.classes());
  if (!dataset_.streamed()) labels_ = backend_.place(dataset_.labels().data(), 4 * data_rows_, "the labels");
}

void ForwardBatches::run(ForwardGoal goal, const Objective& objective,
                         const std::function<void(std::int64_t rows)>& after_batch) {
  prepare(goal, objective);
  const StepState start{0, 0, samples_stream_ ? samples_stream_->seek(0, 0, true) : 0};
  backend_.upload(*state_, 0, &start, sizeof start);
  const auto run_batches = [&](std::int64_t rows, std::int64_t count) {
    for (std::int64_t i = 0; i < count; ++i) {
      if (samples_stream_) samples_stream_->ready(rows, rows);
      executables_.at({goal, objective.loss, rows})->run(1);
      if (samples_stream_) samples_stream_->used(rows);
      after_batch(rows);
    }
  };
  run_batches(batch_, data_rows_ / batch_);
  if (const std::int64_t rest = data_rows_ % batch_; rest > 0) run_batches(rest, 1);
}

/// Compiles what run() needs, with the largest batch that there is memory for.
void ForwardBatches::prepare(ForwardGoal goal, const Objective& objective) {
  const bool compares = goal == ForwardGoal::loss || goal == ForwardGoal::evaluate;
  const bool needs_unit = compares && !network_.classifier && objective.loss == Loss::bce;
  if (std::exchange(unit_interval_, needs_unit) != needs_unit) close_stream();
  while (!compile_all(goal, objective)) batch_ = (batch_ + 1) / 2;
}

/// False where the device has too little memory for this batch; throws MemoryError where it has none for a sample.
bool ForwardBatches::compile_all(ForwardGoal goal, const Objective& objective) try {
  if (dataset_.streamed() && !samples_stream_)
    samples_stream_ =
        std::make_unique<SampleStream>(backend_, dataset_, batch_, stream_options(dataset_, network_, unit_interval_));
  allocate_results(goal);
  for (const std::int64_t rows : {batch_, data_rows_ % batch_}) {
    if (rows == 0) continue;
    auto& executable = executables_[{goal, objective.loss, rows}];
    if (!executable) executable = compile(goal, objective, rows);
  }
  return true;
} catch (const MemoryError&) {
  if (batch_ == 1) throw;
  forget_results();
  samples_stream_.reset();
  return false;
}

void ForwardBatches::allocate_results(ForwardGoal goal) {
  if (goal == ForwardGoal::loss) return;
  forget_results();  // executables would be bound to what is replaced
  const auto rows_of = [&](std::int64_t columns) {
    return backend_.allocate(batch_ * columns * size_of(DType::f32), "the result of a batch");
  };
  const bool all = goal == ForwardGoal::evaluate;
  if (all) input_ = rows_of(network_.features());
  if (all || goal == ForwardGoal::encode) code_ = rows_of(network_.code_units());
  if (all || goal == ForwardGoal::reconstruct) output_ = rows_of(output_columns());
}

/// With the executables that are bound to its memory.
void ForwardBatches::close_stream() {
  if (samples_stream_) forget_results();
  samples_stream_.reset();
}

void ForwardBatches::forget_results() {
  executables_.clear();
  input_.reset();
  code_.reset();
  output_.reset();
}

std::unique_ptr<Executable> ForwardBatches::compile(ForwardGoal goal, const Objective& objective, std::int64_t rows) {
  const std::int64_t rows_there = samples_stream_ ? samples_stream_->rows() : data_rows_;
  return backend_.compile(build_forward_plan(network_, goal, objective, rows, rows_there, dataset_.dtype(), 1),
                          {{names::kData, samples_stream_ ? &samples_stream_->data() : data_.get()},
                           {names::kLabels, samples_stream_ ? samples_stream_->labels() : labels_.get()},
                           {names::kState, state_.get()},
                           {names::kScalars, scalars_.get()},
                           {names::kRing, ring_.get()},
                           {names::kParameters, parameters_.get()},
                           {names::kColumnSums, sums_.get()},
                           {names::kColumnAbsSums, abs_sums_.get()},
                           {names::kBatch, input_.get()},
                           {names::kCode, code_.get()},
                           {names::kOutput, output_.get()}});
}

StepLoss ForwardBatches::loss() {
  StepLoss loss;
  backend_.download(&loss, *ring_, 0, sizeof loss);
  return loss;
}

void ForwardBatches::download(std::vector<float>& to, BatchResult result, std::int64_t begin, std::int64_t rows) {
  const bool is_input = result == BatchResult::input, is_code = result == BatchResult::code;
  DeviceBuffer& from = *(is_input ? input_ : is_code ? code_ : output_);
  const std::int64_t columns = is_input ? network_.features() : is_code ? network_.code_units() : output_columns();
  to.resize(static_cast<std::size_t>(rows * columns));
  backend_.download(to.data(), from, begin * columns * size_of(DType::f32), rows * columns * size_of(DType::f32));
}

void ForwardBatches::download(std::vector<float>& to, DeviceBuffer& from) {
  to.resize(static_cast<std::size_t>(from.bytes() / size_of(DType::f32)));
  backend_.download(to.data(), from, 0, from.bytes());
}

}  // namespace lacuna
