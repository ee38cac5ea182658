#include <algorithm>
#include <utility>

#include "lacuna/error.h"
#include "lacuna/math/penalty.h"
#include "lacuna/trainer.h"
#include "train/evaluation_sums.h"
#include "train/forward_batches.h"

namespace lacuna {

namespace {

/// What evaluate() looks at is copied to the host in pieces that stay in a processor's cache.
constexpr std::int64_t kPieceBytes = std::int64_t{512} << 10;

/// Of all weights that decay.
double sum_of_squares(const Model& model) {
  double sum = 0;
  for (const Parameter& parameter : model.layout.parameters()) {
    if (!parameter.decays || !parameter.alias_of.empty()) continue;
    const float* values = model.data(parameter.name);
    for (std::int64_t i = 0; i < parameter.elements(); ++i)
      sum += static_cast<double>(values[i]) * static_cast<double>(values[i]);
  }
  return sum;
}

}  // namespace

struct Evaluator::Impl {
  ForwardBatches batches;
  const Network& network = batches.network();
  double squared_weights;

  Impl(Backend& backend, const Model& model, const Dataset& samples, std::int64_t rows)
      : batches(backend, model, samples, rows), squared_weights(sum_of_squares(model)) {}

  StepLoss classifier_loss(const Objective& objective) {
    batches.place_labels();
    const auto data_rows = static_cast<double>(batches.data_rows());
    StepLoss total;
    batches.run(ForwardGoal::loss, objective, [&](std::int64_t rows) {
      const StepLoss one = batches.loss();
      total.reconstruction += one.reconstruction * static_cast<double>(rows) / data_rows;
      total.correct += one.correct;
    });
    total.samples = data_rows;
    total.weight_decay = 0.5 * objective.weight_decay * squared_weights;
    return total;
  }

  void stream(ForwardGoal goal, BatchResult result, const Sink& sink) {
    std::vector<float> values;
    batches.run(goal, Objective{}, [&](std::int64_t rows) {
      batches.download(values, result, 0, rows);
      sink(values.data(), rows);
    });
    batches.forget_results();
  }

  /// An autoencoder's. Calls after_batch(rows) after each batch.
  template <class F>
  StepLoss loss(ForwardGoal goal, const Objective& objective, std::vector<double>& unit_means, const F& after_batch) {
    const Layer& layer = network.code_layer();
    const auto columns = static_cast<std::size_t>(layer.outputs), units = static_cast<std::size_t>(layer.channels());
    const std::size_t positions = columns / units;
    unit_means.assign(units, 0.0);
    std::vector<float> batch_sums;
    double reconstruction = 0, magnitude = 0;
    batches.run(goal, objective, [&](std::int64_t rows) {
      reconstruction += batches.loss().reconstruction;
      batches.download_sums(batch_sums);
      for (std::size_t j = 0; j < columns; ++j) unit_means[j / positions] += static_cast<double>(batch_sums[j]);
      batches.download_abs_sums(batch_sums);
      for (float sum : batch_sums) magnitude += static_cast<double>(sum);
      after_batch(rows);
    });

    const auto rows = static_cast<double>(batches.data_rows());
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
        batches.download(x, BatchResult::input, begin, rows);
        batches.download(y, BatchResult::output, begin, rows);
        explained.add(x.data(), y.data(), rows);
        if (!counts) continue;
        batches.download(h, BatchResult::code, begin, rows);
        active.add(h.data(), rows);
      }
    });
    batches.forget_results();
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
  LACUNA_EXPECTS(static_cast<std::int64_t>(model.parameters.size()) * 4 == impl_->batches.parameter_bytes(),
                 "the model has another network");
  impl_->batches.take_parameters(model);
  impl_->squared_weights = sum_of_squares(model);
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
  impl_->stream(ForwardGoal::encode, BatchResult::code, sink);
}
void Evaluator::reconstruct(const Sink& sink) {
  LACUNA_EXPECTS(!impl_->network.classifier, "a classifier reconstructs nothing");
  impl_->stream(ForwardGoal::reconstruct, BatchResult::output, sink);
}
void Evaluator::classify(const Sink& sink) {
  LACUNA_EXPECTS(impl_->network.classifier.has_value(), "an autoencoder classifies nothing");
  impl_->stream(ForwardGoal::reconstruct, BatchResult::output, sink);
}

}  // namespace lacuna
