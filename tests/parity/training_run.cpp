#include "parity/training_run.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "lacuna/math/feistel.h"
#include "parity/comparison.h"
#include "support/random.h"

namespace lacuna::test {
namespace {

template <class T>
Dataset dataset_of(std::vector<T> values, std::int64_t rows, std::int64_t features, DType type) {
  const auto owner = std::make_shared<const std::vector<T>>(std::move(values));
  return Dataset("random", rows, {features}, type, owner->data(), owner);
}

std::vector<double> difference(std::vector<double> a, const std::vector<double>& b) {
  for (std::size_t i = 0; i < a.size(); ++i) a[i] -= b[i];
  return a;
}

/// One term of the losses of all steps.
std::vector<double> history(const TrainingResult& result, double StepLoss::*term) {
  std::vector<double> values;
  for (const StepLoss& loss : result.losses) values.push_back(loss.*term);
  return values;
}

}  // namespace

Model random_model(const Network& network, std::uint64_t seed, double gain) {
  Model model(network);
  reference::Autoencoder values(network);
  Random random(seed);
  randomize(values, random);
  for (reference::DenseLayer& layer : values.layers)
    for (double& w : layer.weight.values) w *= gain;
  const std::vector<std::vector<double>*> parameters = values.parameters();
  for (std::size_t p = 0; p < parameters.size(); ++p) {
    float* to = model.parameters.data() + model.layout.parameters()[p].offset;
    for (double v : *parameters[p]) *to++ = static_cast<float>(v);
  }
  return model;
}

Dataset random_dataset(std::int64_t rows, std::int64_t features, DType type, std::uint64_t seed, double density) {
  Random random(seed);
  std::vector<float> floats;
  std::vector<std::uint8_t> bytes;
  for (std::int64_t i = 0; i < rows * features; ++i) {
    const bool zero = density < 1.0 && random.uniform(0, 1) >= density;
    const double value = zero ? 0.0 : random.uniform(0, 1);
    if (type == DType::u8)
      bytes.push_back(static_cast<std::uint8_t>(value * 256));
    else
      floats.push_back(static_cast<float>(value));
  }
  return type == DType::u8 ? dataset_of(bytes, rows, features, type) : dataset_of(floats, rows, features, type);
}

Dataset as_floats(const Dataset& data) {
  std::vector<float> values(static_cast<std::size_t>(data.rows() * data.features()));
  for (std::int64_t i = 0; i < data.rows(); ++i) data.copy_row(i, values.data() + i * data.features());
  return dataset_of(std::move(values), data.rows(), data.features(), DType::f32);
}

std::vector<std::vector<double>> parameters_of(const Model& model) {
  std::vector<std::vector<double>> list;
  for (const Parameter& p : model.layout.parameters()) {
    const float* values = model.parameters.data() + p.offset;
    list.emplace_back(values, values + p.elements());
  }
  return list;
}

reference::Autoencoder as_reference(const Model& model) {
  reference::Autoencoder network(model.network);
  const std::vector<std::vector<double>> values = parameters_of(model);
  const std::vector<std::vector<double>*> to = network.parameters();
  for (std::size_t p = 0; p < to.size(); ++p) *to[p] = values[p];
  return network;
}

std::vector<std::vector<std::int64_t>> batch_rows(const TrainingRun& run) {
  std::vector<std::vector<std::int64_t>> batches;
  const std::int64_t rows = run.data.rows();
  for (std::uint64_t epoch = 0;; ++epoch) {
    const math::FeistelOrder order(run.options.seed, epoch, static_cast<std::uint64_t>(rows));
    for (std::int64_t begin = 0; begin < rows; begin += run.options.batch) {
      if (static_cast<std::int64_t>(batches.size()) == run.steps) return batches;
      batches.emplace_back(static_cast<std::size_t>(std::min(run.options.batch, rows - begin)));
      std::iota(batches.back().begin(), batches.back().end(), begin);
      if (run.options.shuffle)
        for (std::int64_t& row : batches.back())
          row = static_cast<std::int64_t>(order(static_cast<std::uint64_t>(row)));
    }
  }
}

TrainingResult train_on(Backend& backend, const TrainingRun& run) {
  Trainer trainer(backend, run.start, run.data, run.options);
  TrainingResult result;
  result.losses = trainer.run(run.steps);
  result.parameters = parameters_of(trainer.model());
  return result;
}

TrainingResult train_reference(const TrainingRun& run) {
  reference::Training training(as_reference(run.start), run.options.objective, run.options.optimizer);
  TrainingResult result;
  std::vector<float> row(static_cast<std::size_t>(run.data.features()));
  for (const std::vector<std::int64_t>& rows : batch_rows(run)) {
    reference::Matrix batch(static_cast<std::int64_t>(rows.size()), run.data.features());
    for (std::size_t i = 0; i < rows.size(); ++i) {
      run.data.copy_row(rows[i], row.data());
      std::copy(row.begin(), row.end(), batch.values.begin() + static_cast<std::ptrdiff_t>(i * row.size()));
    }
    const reference::Evaluation step = training.step(batch);
    result.losses.push_back({step.reconstruction, step.sparsity, step.weight_decay, step.mean_activation,
                             static_cast<double>(rows.size())});
  }
  for (const std::vector<double>* parameter : training.network().parameters()) result.parameters.push_back(*parameter);
  return result;
}

void expect_same_training(const TrainingRun& run, const TrainingResult& got, const TrainingResult& expected) {
  ASSERT_EQ(got.losses.size(), expected.losses.size());
  const std::pair<const char*, double StepLoss::*> terms[] = {{"reconstruction", &StepLoss::reconstruction},
                                                              {"sparsity", &StepLoss::sparsity},
                                                              {"weight_decay", &StepLoss::weight_decay},
                                                              {"mean_activation", &StepLoss::mean_activation},
                                                              {"samples", &StepLoss::samples}};
  for (const auto& [name, term] : terms) EXPECT_TRUE(agrees({name, history(got, term), history(expected, term)}));
  const std::vector<std::vector<double>> start = parameters_of(run.start);
  for (std::size_t p = 0; p < start.size(); ++p)
    EXPECT_TRUE(agrees({"update of " + run.start.layout.parameters()[p].name, difference(got.parameters[p], start[p]),
                        difference(expected.parameters[p], start[p])}));
}

}  // namespace lacuna::test
