#include "cuda/programmatic_plans.h"

namespace lacuna::test {

namespace {

constexpr std::int64_t kSteps = 64;

TrainingRun run_of(const Network& network, TrainerOptions options, DType type, std::int64_t batch = 2) {
  options.batch = batch;
  options.seed = 5;
  options.optimizer.schedule.warmup = 100;
  return {random_model(network, 1), random_dataset(kSteps * batch, network.features(), type, 2), options, kSteps};
}

TrainingRun k_sparse() {
  Network network = make_network(12, {9}, {}, Activation::identity, Activation::identity);
  network.encoder[0].kept = network.encoder[0].kept_in_evaluation = 3;
  TrainerOptions options;
  options.objective.sparsity = Sparsity::topk;
  options.noise = {NoiseKind::mask, 0.3};
  options.kept_at_start = 8;
  options.anneal_steps = 50;
  return run_of(network, options, DType::f32);
}

TrainingRun classifier() {
  TrainerOptions options;
  options.dropout = 0.5;
  options.optimizer = {.kind = OptimizerKind::sgd, .learning_rate = 0.1, .momentum = 0.9};
  TrainingRun run = run_of(Network::classifying({{12, 5, Activation::sigmoid}}, 12, 3), options, DType::u8);
  run.data = with_labels(run.data, 3, 3);
  return run;
}

TrainingRun convolutional() {
  const Network network = Network::convolutional({{1, 4, 4, 3, 3, 1, 1}}, Activation::sigmoid, Activation::sigmoid);
  TrainerOptions options;
  options.noise = {NoiseKind::shift, 1};
  options.image = {1, 4, 4};
  return run_of(network, options, DType::u8);
}

}  // namespace

std::vector<ProgrammaticPlan> programmatic_plans() {
  // Large enough for more than one block in each direction.
  const TrainingRun kl = run_of(Network::autoencoder(136, {36}), {}, DType::u8, 10);
  const TrainingRun small_kl = run_of(Network::autoencoder(12, {5}), {}, DType::u8);
  TrainingRun l1 = run_of(Network::autoencoder(12, {5}), {}, DType::u8);
  l1.options.objective.sparsity = Sparsity::l1;
  l1.options.noise = {NoiseKind::gaussian, 0.1};
  return {{"kl_adam", kl},
          {"kl_adam_bf16", small_kl, Precision::bf16},
          {"l1_gaussian", l1},
          {"k_sparse", k_sparse()},
          {"classifier", classifier()},
          {"convolutional", convolutional()}};
}

}  // namespace lacuna::test
