// Training runs of 20 steps of networks that are more than dense autoencoders, as in runs_test.cpp.

#include <gtest/gtest.h>

#include "parity/backends.h"
#include "parity/training_run.h"

namespace lacuna::test {
namespace {

constexpr std::int64_t kRows = 33, kBatch = 10;  // batches of 10, 10, 10 and 3

struct LayerRun {
  const char* name;
  Network network;
  TrainerOptions options;
  double gain = 1.0;  ///< spread of the first weights, times 1/sqrt(fan in)
};

Network convolutional(Activation hidden, Activation output) {
  // 1 x 12 x 12 -> 4 x 6 x 6 -> 6 x 3 x 3 -> 8 x 1 x 1 and back
  return Network::convolutional({{1, 12, 12, 4, 3, 2, 1}, {4, 6, 6, 6, 3, 2, 1}, {6, 3, 3, 8, 3, 1, 0}}, hidden,
                                output);
}

TrainerOptions options_of(const Objective& objective, double rate, OptimizerKind kind = OptimizerKind::adam) {
  TrainerOptions options;
  options.objective = objective;
  options.optimizer.kind = kind;
  options.optimizer.learning_rate = rate;
  options.batch = kBatch;
  options.seed = 3;
  return options;
}

LayerRun conv_l1() {
  return {"conv_l1", convolutional(Activation::relu, Activation::relu),
          options_of({.loss = Loss::squared,
                      .reduction = Reduction::element,
                      .sparsity = Sparsity::l1,
                      .l1 = 0.005,
                      .weight_decay = 0.001},
                     1e-2)};
}

LayerRun conv_kl() {
  // The code has 6 channels of 3 x 3 places.
  return {"conv_kl",
          Network::convolutional({{1, 12, 12, 4, 3, 2, 1}, {4, 6, 6, 6, 3, 2, 1}}, Activation::sigmoid,
                                 Activation::sigmoid),
          options_of({.loss = Loss::bce, .sparsity = Sparsity::kl, .beta = 0.5, .weight_decay = 0.001}, 1e-2), 2.0};
}

LayerRun conv_channels() {
  return {
      "conv_channels",
      Network::convolutional({{3, 7, 5, 4, 3, 1, 1}, {4, 7, 5, 5, 2, 1, 0}}, Activation::sigmoid, Activation::identity),
      options_of({.loss = Loss::half_squared, .sparsity = Sparsity::none, .weight_decay = 0.01}, 0.02,
                 OptimizerKind::sgd),
      2.0};
}

LayerRun k_sparse_tied() {
  Network network = make_network(30, {40}, {}, Activation::identity, Activation::identity);
  network.tied = true;
  network.encoder[0].kept = 5;
  network.encoder[0].kept_in_evaluation = 8;
  LayerRun run{"k_sparse_tied", network,
               options_of({.loss = Loss::half_squared, .sparsity = Sparsity::topk, .weight_decay = 0.01}, 0.02,
                          OptimizerKind::sgd)};
  run.options.kept_at_start = 20;
  run.options.anneal_steps = 12;
  return run;
}

/// A backend may go through the kept units alone where they are few, as at the end here, but not at the start.
LayerRun few_kept(const char* name, Network network, double weight_decay = 0) {
  network.encoder.back().kept = 3;
  network.encoder.back().kept_in_evaluation = 4;
  LayerRun run{name, network,
               options_of({.loss = Loss::half_squared, .sparsity = Sparsity::topk, .weight_decay = weight_decay}, 0.02,
                          OptimizerKind::sgd)};
  run.options.kept_at_start = 50;
  run.options.anneal_steps = 12;
  return run;
}

LayerRun few_kept() {
  return few_kept("few_kept", make_network(37, {131}, {}, Activation::relu, Activation::identity));
}

LayerRun few_kept_dropped() {
  LayerRun run = few_kept("few_kept_dropped", make_network(37, {131}, {}, Activation::relu, Activation::identity));
  run.options.dropout = 0.3;
  run.options.kept_at_start = 0;  // few in every step
  return run;
}

/// More than are summed up at once.
LayerRun few_kept_of_many() {
  LayerRun run = few_kept("few_kept_of_many", make_network(12, {1160}, {}, Activation::relu, Activation::identity));
  run.network.encoder[0].kept = run.network.encoder[0].kept_in_evaluation = 140;
  run.options.kept_at_start = 200;
  return run;
}

LayerRun few_kept_tied() {
  Network network = make_network(150, {131}, {}, Activation::identity, Activation::identity);
  network.tied = true;
  return few_kept("few_kept_tied", network, 0.01);
}

LayerRun few_kept_deep() {
  return few_kept("few_kept_deep", make_network(30, {20, 128}, {20}, Activation::relu, Activation::identity), 0.01);
}

LayerRun tied_deep() {
  Network network = make_network(30, {17, 9}, {17}, Activation::sigmoid, Activation::sigmoid);
  network.tied = true;
  return {"tied_deep", network, options_of({.loss = Loss::bce, .beta = 0.5, .weight_decay = 0.01}, 0.01), 2.0};
}

LayerRun softmax_alone() {
  return {"softmax_alone", Network::classifying({}, 30, 4), options_of({.weight_decay = 0.01}, 0.01)};
}

LayerRun deep_classifier() {
  LayerRun run{"deep_classifier",
               Network::classifying({{30, 17, Activation::sigmoid}, {17, 9, Activation::sigmoid}}, 30, 4),
               options_of({.weight_decay = 0.01}, 0.01), 2.0};
  run.options.optimizer.schedule = {.kind = ScheduleKind::cosine, .warmup = 4, .total = 18, .factor = 0.1};
  return run;
}

LayerRun conv_classifier() {
  const Layer convolution = Layer::of({1, 12, 12, 4, 3, 2, 1}, Activation::relu);
  return {"conv_classifier", Network::classifying({convolution, {144, 9, Activation::sigmoid}}, 144, 4),
          options_of({.weight_decay = 0.01}, 0.01), 2.0};
}

LayerRun denoising() {
  LayerRun run{"denoising", make_network(30, {17, 9}, {13}, Activation::sigmoid, Activation::sigmoid),
               options_of({.loss = Loss::bce, .beta = 0.5, .weight_decay = 0.01}, 0.01), 2.0};
  run.options.noise = {NoiseKind::mask, 0.3};
  return run;
}

LayerRun gaussian() {
  LayerRun run = denoising();
  run.name = "gaussian";
  run.options.noise = {NoiseKind::gaussian, 0.2};
  return run;
}

LayerRun shifted() {
  LayerRun run = denoising();
  run.name = "shifted";
  run.options.noise = {NoiseKind::shift, 2};
  run.options.image = {1, 5, 6};
  return run;
}

LayerRun dropout() {
  LayerRun run = deep_classifier();
  run.name = "dropout";
  run.options.noise = {NoiseKind::dropout, 0.2};
  run.options.dropout = 0.4;
  run.options.optimizer.schedule = {.kind = ScheduleKind::step, .every = 6, .factor = 0.5};
  return run;
}

LayerRun dropout_autoencoder() {
  LayerRun run = denoising();
  run.name = "dropout_autoencoder";
  run.options.noise = {};
  run.options.dropout = 0.25;
  return run;
}

/// Whether a little error in the products makes little error in the run. It does not where units change sides: a
/// k-sparse code selects others, a relu opens or shuts.
bool is_smooth(const LayerRun& run) {
  for (const auto* layers : {&run.network.encoder, &run.network.decoder})
    for (const Layer& layer : *layers)
      if (layer.kept > 0 || layer.activation == Activation::relu) return false;
  return true;
}

struct Instance {
  BackendFactory backend;
  LayerRun run;

  friend void PrintTo(const Instance& instance, std::ostream* stream) {
    *stream << instance.run.name << " on " << instance.backend.name;
  }
};

std::vector<Instance> instances() {
  std::vector<Instance> list;
  for (const BackendFactory& backend : parity_backends())
    for (const LayerRun& run :
         {conv_l1(), conv_kl(), conv_channels(), k_sparse_tied(), few_kept(), few_kept_dropped(), few_kept_of_many(),
          few_kept_tied(), few_kept_deep(), tied_deep(), softmax_alone(), deep_classifier(), conv_classifier(),
          denoising(), gaussian(), shifted(), dropout(), dropout_autoencoder()})
      if (backend.precision == Precision::fp32 || is_smooth(run)) list.push_back({backend, run});
  return list;
}

class LayerRunParity : public testing::TestWithParam<Instance> {};

TEST_P(LayerRunParity, TwentySteps) {
  const LayerRun& layers = GetParam().run;
  Dataset data = random_dataset(kRows, layers.network.features(), DType::f32, 1);
  if (layers.options.image.elements() > 0) data = as_images(data, layers.options.image);
  if (layers.network.classifier) data = with_labels(data, 4, 2);
  const TrainingRun run{random_model(layers.network, 2, layers.gain), data, layers.options};
  const TrainingResult expected = train_reference(run);
  expect_same_training(run, train_on(*GetParam().backend.make(), run), expected, GetParam().backend.precision);
  EXPECT_LT(expected.losses.back().total(), expected.losses.front().total());
}

INSTANTIATE_TEST_SUITE_P(Each, LayerRunParity, testing::ValuesIn(instances()), [](const auto& instance) {
  return std::string(instance.param.run.name) + "_on_" + instance.param.backend.name;
});

}  // namespace
}  // namespace lacuna::test
