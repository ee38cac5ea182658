#include "parity/training_run.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "lacuna/math/feistel.h"
#include "lacuna/math/noise.h"
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

/// The random word of each element.
std::vector<std::uint32_t> noise_words(std::uint64_t seed, std::uint32_t stream, std::int64_t step,
                                       std::size_t elements) {
  std::vector<std::uint32_t> words;
  for (std::int64_t block = 0; words.size() < elements; ++block) {
    const math::Philox4 random = math::noise_block(seed, stream, step, block);
    words.insert(words.end(), std::begin(random.word), std::end(random.word));
  }
  return words;
}

/// Every image of the batch, of one channel, moved by its own offset.
reference::Matrix moved(const ImageExtents& image, double most, std::uint64_t seed, std::int64_t step,
                        const reference::Matrix& x) {
  reference::Matrix result(x.rows, x.columns);
  for (std::int64_t i = 0; i < x.rows; ++i) {
    const math::ImageOffset by = math::image_offset(seed, 0, step, i, static_cast<std::int32_t>(most));
    for (std::int64_t j = 0; j < x.columns; ++j) {
      const std::int64_t row = j / image.width + by.down, column = j % image.width + by.right;
      if (row >= 0 && row < image.height && column >= 0 && column < image.width)
        result(i, row * image.width + column) = x(i, j);
    }
  }
  return result;
}

reference::Matrix noisy(const InputNoise& noise, const ImageExtents& image, std::uint64_t seed, std::int64_t step,
                        reference::Matrix x) {
  if (noise.kind == NoiseKind::shift) return moved(image, noise.amount, seed, step, x);
  const std::vector<std::uint32_t> words = noise_words(seed, 0, step, x.values.size());
  const auto amount = static_cast<float>(noise.amount);
  for (std::size_t i = 0; i < x.values.size(); ++i) {
    if (noise.kind == NoiseKind::gaussian) {
      const math::NormalPair pair = math::normal_pair(words[i & ~std::size_t{1}], words[i | 1]);
      x.values[i] += noise.amount * static_cast<double>(i % 2 == 0 ? pair.first : pair.second);
    } else if (math::dropped(words[i], amount)) {
      x.values[i] = 0.0;
    } else if (noise.kind == NoiseKind::dropout) {
      x.values[i] /= 1.0 - noise.amount;
    }
  }
  return x;
}

/// What dropout multiplies the outputs of a layer by.
reference::Matrix dropout_factors(const TrainerOptions& options, std::uint32_t stream, std::int64_t step,
                                  std::int64_t rows, std::int64_t units) {
  reference::Matrix factors(rows, units);
  std::fill(factors.values.begin(), factors.values.end(), 1.0);
  const std::vector<std::uint32_t> words = noise_words(options.seed, stream, step, factors.values.size());
  for (std::size_t i = 0; i < factors.values.size(); ++i)
    factors.values[i] =
        math::dropped(words[i], static_cast<float>(options.dropout)) ? 0.0 : 1.0 / (1.0 - options.dropout);
  return factors;
}

}  // namespace

Model random_model(const Network& network, std::uint64_t seed, double gain) {
  Model model(network);
  reference::Autoencoder values(network);
  Random random(seed);
  randomize(values, random);
  for (reference::ReferenceLayer& layer : values.layers)
    for (double& w : layer.weight.values) w *= gain;
  const std::vector<std::vector<double>*> parameters = values.parameters();
  const std::vector<Parameter> owned = owned_parameters(model.layout);
  for (std::size_t p = 0; p < parameters.size(); ++p) {
    float* to = model.parameters.data() + owned[p].offset;
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

Dataset with_labels(const Dataset& data, std::int32_t classes, std::uint64_t seed) {
  Random random(seed);
  std::vector<std::int32_t> labels;
  for (std::int64_t i = 0; i < data.rows(); ++i)
    labels.push_back(static_cast<std::int32_t>(random.uniform(0, static_cast<double>(classes))));
  const auto owner = std::make_shared<const Dataset>(data);
  return Dataset(data.name(), data.rows(), data.sample_shape(), data.dtype(), data.values(), owner, labels);
}

Dataset as_images(const Dataset& data, const ImageExtents& image) {
  const auto owner = std::make_shared<const Dataset>(data);
  return Dataset(data.name(), data.rows(), {image.channels, image.height, image.width}, data.dtype(), data.values(),
                 owner);
}

Dataset as_floats(const Dataset& data) {
  std::vector<float> values(static_cast<std::size_t>(data.rows() * data.features()));
  for (std::int64_t i = 0; i < data.rows(); ++i) data.copy_row(i, values.data() + i * data.features());
  return dataset_of(std::move(values), data.rows(), data.features(), DType::f32);
}

std::vector<Parameter> owned_parameters(const ParameterLayout& layout) {
  std::vector<Parameter> owned;
  for (const Parameter& p : layout.parameters())
    if (p.alias_of.empty()) owned.push_back(p);
  return owned;
}

std::vector<std::vector<double>> parameters_of(const Model& model) {
  std::vector<std::vector<double>> list;
  for (const Parameter& p : owned_parameters(model.layout)) {
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

reference::Given given_in_step(const TrainingRun& run, std::int64_t step, const std::vector<std::int64_t>& rows,
                               const reference::Matrix& x) {
  const TrainerOptions& options = run.options;
  reference::Given given;
  if (run.start.network.classifier)
    for (std::int64_t row : rows) given.labels.push_back(run.data.labels()[static_cast<std::size_t>(row)]);
  if (options.noise.amount > 0) given.noisy = noisy(options.noise, options.image, options.seed, step, x);
  const reference::Autoencoder layers(run.start.network);
  const std::size_t hidden = layers.layers.size() - 1;
  for (std::size_t l = 0; options.dropout > 0 && l < hidden; ++l) {
    const auto units = static_cast<std::int64_t>(layers.layers[l].bias.size()) * layers.layers[l].positions;
    given.dropout.push_back(dropout_factors(options, static_cast<std::uint32_t>(l + 1), step, x.rows, units));
  }
  // A softmax alone has no encoder.
  const std::int64_t kept = layers.encoder_layers > 0 ? layers.layers[layers.encoder_layers - 1].kept : 0;
  if (kept > 0 && options.kept_at_start > kept && step <= options.anneal_steps) {
    // From start to kept in a straight line, rounded up.
    const std::int64_t whole = options.anneal_steps, gone = step - 1;
    given.kept = (options.kept_at_start * (whole - gone) + kept * gone + whole - 1) / whole;
  }
  return given;
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
    const auto step_number = static_cast<std::int64_t>(result.losses.size()) + 1;
    const reference::Evaluation step = training.step(batch, given_in_step(run, step_number, rows, batch));
    result.losses.push_back({step.reconstruction, step.sparsity, step.weight_decay, step.mean_activation,
                             static_cast<double>(rows.size()), step.correct});
  }
  for (const std::vector<double>* parameter : training.network().parameters()) result.parameters.push_back(*parameter);
  return result;
}

std::vector<double> update_of(const TrainingRun& run, const TrainingResult& result, std::size_t parameter) {
  return difference(result.parameters[parameter], parameters_of(run.start)[parameter]);
}

void expect_same_bits(const TrainingResult& a, const TrainingResult& b) {
  EXPECT_EQ(a.parameters, b.parameters);
  ASSERT_EQ(a.losses.size(), b.losses.size());
  for (std::size_t i = 0; i < a.losses.size(); ++i) {
    EXPECT_EQ(a.losses[i].reconstruction, b.losses[i].reconstruction) << "step " << i;
    EXPECT_EQ(a.losses[i].sparsity, b.losses[i].sparsity) << "step " << i;
    EXPECT_EQ(a.losses[i].weight_decay, b.losses[i].weight_decay) << "step " << i;
    EXPECT_EQ(a.losses[i].mean_activation, b.losses[i].mean_activation) << "step " << i;
    EXPECT_EQ(a.losses[i].samples, b.losses[i].samples) << "step " << i;
  }
}

void expect_same_training(const TrainingRun& run, const TrainingResult& got, const TrainingResult& expected,
                          Precision precision) {
  ASSERT_EQ(got.losses.size(), expected.losses.size());
  const std::pair<const char*, double StepLoss::*> terms[] = {{"reconstruction", &StepLoss::reconstruction},
                                                              {"sparsity", &StepLoss::sparsity},
                                                              {"weight_decay", &StepLoss::weight_decay},
                                                              {"mean_activation", &StepLoss::mean_activation},
                                                              {"samples", &StepLoss::samples},
                                                              {"correct", &StepLoss::correct}};
  for (const auto& [name, term] : terms) {
    if (precision != Precision::fp32 && term == &StepLoss::correct) continue;
    EXPECT_TRUE(agrees({name, history(got, term), history(expected, term)}, precision));
  }
  const std::vector<Parameter> owned = owned_parameters(run.start.layout);
  for (std::size_t p = 0; p < owned.size(); ++p)
    EXPECT_TRUE(agrees({"update of " + owned[p].name, update_of(run, got, p), update_of(run, expected, p)}, precision));
}

}  // namespace lacuna::test
