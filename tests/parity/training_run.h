#pragma once

#include <vector>

#include "lacuna/trainer.h"
#include "reference/training.h"
#include "support/cases.h"

namespace lacuna::test {

/// A training run that a backend and the reference both make, from the same rounded numbers.
struct TrainingRun {
  Model start;
  Dataset data;
  TrainerOptions options;
  std::int64_t steps = 20;
};

/// Weights N(0, gain^2 / fan_in) and biases U(-0.3, 0.3), rounded to float.
Model random_model(const Network& network, std::uint64_t seed, double gain = 1.0);
/// Uniform in [0, 1], floats or bytes; all but this share of the values are 0.
Dataset random_dataset(std::int64_t rows, std::int64_t features, DType type, std::uint64_t seed, double density = 1.0);
/// The same with labels below `classes`, drawn too.
Dataset with_labels(const Dataset& data, std::int32_t classes, std::uint64_t seed);
/// The same samples as images, without labels.
Dataset as_images(const Dataset& data, const ImageExtents& image);
/// The same samples as floats.
Dataset as_floats(const Dataset& data);

reference::Autoencoder as_reference(const Model& model);

/// The rows of the data set that each step uses: position i of epoch e is row FeistelOrder(seed, e)(i), or row i
/// without shuffling; the last batch of an epoch holds what is left.
std::vector<std::vector<std::int64_t>> batch_rows(const TrainingRun& run);

/// What step `step`, counted from 1, is given beside its batch `x` of the rows `rows`: labels, noise, dropout and the
/// annealed k. Masks come from math/noise.h, as the backends' do.
reference::Given given_in_step(const TrainingRun& run, std::int64_t step, const std::vector<std::int64_t>& rows,
                               const reference::Matrix& x);

/// Losses and parameters after the run.
struct TrainingResult {
  std::vector<StepLoss> losses;
  std::vector<std::vector<double>> parameters;  ///< those of owned_parameters()
};
TrainingResult train_on(Backend& backend, const TrainingRun& run);
TrainingResult train_reference(const TrainingRun& run);

/// The parameters that own storage, which tied ones do not, in the order of ParameterLayout.
std::vector<Parameter> owned_parameters(const ParameterLayout& layout);
/// The values of each, without the slab's padding.
std::vector<std::vector<double>> parameters_of(const Model& model);

/// How far the run has moved an owned parameter.
std::vector<double> update_of(const TrainingRun& run, const TrainingResult& result, std::size_t parameter);

/// Expects every parameter and every step's loss to be the same to the last bit.
void expect_same_bits(const TrainingResult& a, const TrainingResult& b);

/// Expects that the updates of every parameter and all terms of the loss agree to bound_of(precision). How many samples
/// are classified correctly is compared in fp32 alone: it changes by whole samples.
void expect_same_training(const TrainingRun& run, const TrainingResult& got, const TrainingResult& expected,
                          Precision precision = Precision::fp32);

}  // namespace lacuna::test
