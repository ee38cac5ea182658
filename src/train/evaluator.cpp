#include <fmt/format.h>

#include "lacuna/error.h"
#include "lacuna/math/penalty.h"
#include "lacuna/trainer.h"
#include "train/plans.h"

namespace lacuna {

struct Evaluator::Impl {
  Backend& backend;
  const Network network;
  const std::int64_t data_rows, batch;
  const DType data_type;
  double squared_weights = 0;
  std::unique_ptr<DeviceBuffer> data, state, scalars, ring, parameters, result, sums, abs_sums;

  Impl(Backend& b, const Model& model, const Dataset& dataset, std::int64_t rows)
      : backend(b),
        network(model.network),
        data_rows(dataset.rows()),
        batch(std::min(rows, dataset.rows())),
        data_type(dataset.dtype()) {
    if (batch < 1) throw InputError("an evaluation needs samples and a batch of at least 1");
    if (dataset.features() != network.features())
      throw InputError(fmt::format("{} has {} values per sample, but the network takes {}", dataset.name(),
                                   dataset.features(), network.features()));
    for (const Parameter& parameter : model.layout.parameters()) {
      if (!parameter.decays) continue;
      const float* values = model.data(parameter.name);
      for (std::int64_t i = 0; i < parameter.elements(); ++i)
        squared_weights += static_cast<double>(values[i]) * static_cast<double>(values[i]);
    }
    const std::int64_t slab_bytes = model.layout.slab_elements() * size_of(DType::f32);
    const std::int64_t unit_bytes = network.code_units() * size_of(DType::f32);
    data = backend.place(dataset.values(), dataset.bytes(), "the data set");
    state = backend.allocate(sizeof(StepState), "state");
    scalars = backend.allocate(sizeof(StepScalars), "scalars");
    ring = backend.allocate(sizeof(StepLoss), "losses");
    parameters = backend.allocate(slab_bytes, "parameters");
    sums = backend.allocate(unit_bytes, "column sums");
    abs_sums = backend.allocate(unit_bytes, "column sums");
    backend.upload(*parameters, 0, model.parameters.data(), slab_bytes);
  }

  /// Runs the forward plan over the data in consecutive batches; calls after_batch(rows) after each.
  template <class F>
  void run(ForwardGoal goal, const Objective& objective, const F& after_batch) {
    const StepState start{};
    backend.upload(*state, 0, &start, sizeof start);
    const auto compile = [&](std::int64_t rows) {
      return backend.compile(build_forward_plan(network, goal, objective, rows, data_rows, data_type, 1),
                             {{names::kData, data.get()},
                              {names::kState, state.get()},
                              {names::kScalars, scalars.get()},
                              {names::kRing, ring.get()},
                              {names::kParameters, parameters.get()},
                              {names::kColumnSums, sums.get()},
                              {names::kColumnAbsSums, abs_sums.get()},
                              {names::kCode, result.get()},
                              {names::kOutput, result.get()}});
    };
    const auto full = compile(batch);
    for (std::int64_t i = 0; i < data_rows / batch; ++i) {
      full->run(1);
      after_batch(batch);
    }
    if (const std::int64_t rest = data_rows % batch; rest > 0) {
      compile(rest)->run(1);
      after_batch(rest);
    }
  }

  void stream(ForwardGoal goal, std::int64_t columns, const Sink& sink) {
    result = backend.allocate(batch * columns * size_of(DType::f32), "the result of a batch");
    std::vector<float> values(static_cast<std::size_t>(batch * columns));
    run(goal, Objective{}, [&](std::int64_t rows) {
      backend.download(values.data(), *result, 0, rows * columns * size_of(DType::f32));
      sink(values.data(), rows);
    });
    result.reset();
  }
};

Evaluator::Evaluator(Backend& backend, const Model& model, const Dataset& data, std::int64_t batch)
    : impl_(std::make_unique<Impl>(backend, model, data, batch)) {}
Evaluator::~Evaluator() = default;

StepLoss Evaluator::loss(const Objective& objective, std::vector<double>* unit_means) {
  Impl& e = *impl_;
  objective.validate(e.network);
  const auto units = static_cast<std::size_t>(e.network.code_units());
  std::vector<double> sums(units, 0.0);
  std::vector<float> batch_sums(units);
  double reconstruction = 0, magnitude = 0;
  e.run(ForwardGoal::loss, objective, [&](std::int64_t) {
    StepLoss batch_loss;
    e.backend.download(&batch_loss, *e.ring, 0, sizeof batch_loss);
    reconstruction += batch_loss.reconstruction;
    const std::int64_t bytes = e.sums->bytes();
    e.backend.download(batch_sums.data(), *e.sums, 0, bytes);
    for (std::size_t j = 0; j < units; ++j) sums[j] += static_cast<double>(batch_sums[j]);
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
    sum /= samples;
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
  impl_->stream(ForwardGoal::reconstruct, impl_->network.features(), sink);
}

}  // namespace lacuna
