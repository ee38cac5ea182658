// Training runs of 20 steps on every listed backend, against the same run in double precision. What is compared is the
// update, so that one that never happened cannot pass.

#include <gtest/gtest.h>

#include <map>

#include "parity/backends.h"
#include "parity/training_run.h"

namespace lacuna::test {
namespace {

const std::pair<const char*, Optimizer> kOptimizers[] = {
    {"sgd", {.kind = OptimizerKind::sgd}},
    {"momentum", {.kind = OptimizerKind::sgd, .momentum = 0.9}},
    {"nesterov", {.kind = OptimizerKind::sgd, .momentum = 0.9, .nesterov = true}},
    {"adam", {.kind = OptimizerKind::adam, .learning_rate = 0.01}},
};

constexpr std::int64_t kBatch = 10, kFeatures = 30;

/// How many times the gradient of `sample` this reduction's is. Penalties are scaled with it and the rates of SGD
/// against it, so that the three are the same problem in other units.
double gradient_scale(Reduction reduction) {
  switch (reduction) {
    case Reduction::sum:
      return kBatch;
    case Reduction::sample:
      return 1.0;
    case Reduction::element:
      return 1.0 / kFeatures;
  }
  return 0.0;
}

/// Two things bound how well a run in float can agree with one in double, whatever the implementation. Storing a weight
/// rounds it by up to 2^-25 |w|, so the update must be large beside 1e5 times that: with rates ten times smaller than
/// these the errors measured are ten times larger. And a run near divergence, or one whose relu units change sides,
/// amplifies whatever came before: at five times these rates some linear networks do. Between the two there is room.
double sgd_rate(const Case& c, bool momentum) {
  double rate = 0.02;  // linear and piecewise linear networks
  if (c.loss == Loss::bce) rate = 0.1;
  if (c.hidden == Activation::sigmoid || (c.loss != Loss::bce && c.output == Activation::sigmoid)) rate = 0.3;
  if (c.loss == Loss::squared) rate *= 0.5;
  if (momentum) rate *= 0.2;
  return rate / gradient_scale(c.reduction);
}

/// A sigmoid's slope is at most 1/4: weights of twice the usual spread keep the gradients of the first layers, and so
/// their updates, from vanishing.
Model start_of(const Network& network) {
  const bool sigmoid = network.code_layer().activation == Activation::sigmoid;
  return random_model(network, 2, sigmoid ? 2.0 : 1.0);
}

/// Whether a little error in the products makes little error in the run. It does not where units change sides: a relu
/// opens or shuts, |h| of a code of both signs turns its slope; and Adam divides by the root of a gradient's mean
/// square, so that where its terms cancel, as they do in linear networks, what their rounding leaves is a step as large
/// as any.
bool is_smooth(const Case& c, OptimizerKind optimizer) {
  return (optimizer != OptimizerKind::adam || c.hidden == Activation::sigmoid) && c.hidden != Activation::relu &&
         c.output != Activation::relu && (c.sparsity != Sparsity::l1 || c.hidden == Activation::sigmoid);
}

struct Depth {
  const char* name;
  std::vector<std::int64_t> encoder, decoder;
};
const Depth kDepths[] = {{"1+1", {17}, {}}, {"2+2", {17, 9}, {13}}};

struct Instance {
  BackendFactory backend;
  std::pair<const char*, Optimizer> optimizer;
  Loss loss;
  std::int64_t index;  ///< a slow backend shares the cases out among the instances

  friend void PrintTo(const Instance& instance, std::ostream* stream) {
    *stream << instance.optimizer.first << " " << to_string(instance.loss) << " on " << instance.backend.name;
  }
};

std::vector<Instance> instances() {
  std::vector<Instance> list;
  for (const BackendFactory& backend : parity_backends())
    for (const auto& optimizer : kOptimizers)
      for (Loss loss : {Loss::squared, Loss::half_squared, Loss::bce}) {
        const auto index = static_cast<std::int64_t>(list.size());
        list.push_back({backend, optimizer, loss, index});
      }
  return list;
}

class RunParity : public testing::TestWithParam<Instance> {};

TEST_P(RunParity, EveryCaseAndDepth) {
  const std::unique_ptr<Backend> backend = GetParam().backend.make();
  const Dataset data = random_dataset(33, kFeatures, DType::f32, 1);  // batches of 10, 10, 10 and 3
  std::int64_t turn = GetParam().index;
  for (const Case& c : all_cases())
    for (const Depth& depth : kDepths) {
      if (GetParam().backend.precision != Precision::fp32 && !is_smooth(c, GetParam().optimizer.second.kind)) continue;
      if (c.loss != GetParam().loss || ++turn % GetParam().backend.slower != 0) continue;
      const double scale = gradient_scale(c.reduction);
      TrainingRun run{start_of(make_network(kFeatures, depth.encoder, depth.decoder, c.hidden, c.output)), data, {}};
      run.options = {.objective = {.loss = c.loss,
                                   .reduction = c.reduction,
                                   .sparsity = c.sparsity,
                                   .beta = 0.5 * scale,
                                   .l1 = 0.05 * scale,
                                   .weight_decay = 0.01 * scale},
                     .optimizer = GetParam().optimizer.second,
                     .batch = kBatch,
                     .seed = 3};
      Optimizer& optimizer = run.options.optimizer;
      if (optimizer.kind == OptimizerKind::sgd) optimizer.learning_rate = sgd_rate(c, optimizer.momentum > 0);
      SCOPED_TRACE(c.name() + " " + depth.name);
      expect_same_training(run, train_on(*backend, run), train_reference(run), GetParam().backend.precision);
    }
}

INSTANTIATE_TEST_SUITE_P(Each, RunParity, testing::ValuesIn(instances()), [](const auto& instance) {
  const Instance& i = instance.param;
  const char* loss = i.loss == Loss::half_squared ? "half_squared" : to_string(i.loss);
  return std::string(i.optimizer.first) + "_" + loss + "_on_" + i.backend.name;
});

/// Images are mostly zeros, which a backend may make use of: awkward sizes, with few zeros, many, and nothing else.
class SparseDataParity : public testing::TestWithParam<BackendFactory> {};

TEST_P(SparseDataParity, AwkwardSizes) {
  const std::unique_ptr<Backend> backend = GetParam().make();
  struct Size {
    std::int64_t features, hidden, batch;
  };
  for (const auto& [features, hidden, batch] :
       {Size{1, 1, 1}, Size{31, 33, 7}, Size{127, 32, 33}, Size{1000, 31, 31}, Size{1023, 127, 32}, Size{4097, 5, 3},
        Size{127, 64, 50}, Size{130, 65, 420}, Size{50, 150, 1100}}) {
    // The last three are large enough for the CPU to go through nonzero values, beside small products and large ones,
    // and in several parts.
    if (GetParam().slower > 1 && batch >= 50) continue;
    for (double density : {0.5, 0.2, 0.02, 0.0})
      for (DType type : {DType::u8, DType::f32}) {
        // A backend on which this takes long runs each size and density with one of the types.
        if (batch >= 50 && density != 0.2) continue;
        if (GetParam().slower > 1 && (type == DType::u8) == (density == 0.5 || density == 0.02)) continue;
        const Network network = make_network(features, {hidden}, {}, Activation::sigmoid, Activation::sigmoid);
        TrainingRun run{random_model(network, 4, 2.0), random_dataset(2 * batch + 1, features, type, 5, density), {}};
        run.options.optimizer.learning_rate = 0.01;
        run.options.batch = batch;
        run.steps = 7;
        SCOPED_TRACE(std::to_string(features) + "-" + std::to_string(hidden) + ", batch " + std::to_string(batch) +
                     ", density " + std::to_string(density) + ", " + to_string(type));
        expect_same_training(run, train_on(*backend, run), train_reference(run));
      }
  }
}

INSTANTIATE_TEST_SUITE_P(Each, SparseDataParity, testing::ValuesIn(fp32_backends()),
                         [](const auto& instance) { return instance.param.name; });

/// The penalties of the main job matter to this comparison. Adam divides by sqrt(v): where the terms of a gradient
/// cancel to a millionth of their size, the digits that float has lost in the sum become digits of the update. Without
/// KL and decay, ten of the 156,800 encoder weights are like that in the first step here, and make up all of its
/// relative error of 4e-5 (after 20 steps 3e-6); with them there are none, and the error is 4e-7.
class MainJobParity : public testing::TestWithParam<BackendFactory> {};

TEST_P(MainJobParity, TwentySteps) {
  TrainingRun run{Model(Network::autoencoder(784, {200})), synthetic_digits(1950), {}};  // 20 steps: the last has 50
  initialize(run.start, {}, 1);
  run.options.seed = 1;
  static const TrainingResult expected = train_reference(run);
  expect_same_training(run, train_on(*GetParam().make(), run), expected, GetParam().precision);
}

INSTANTIATE_TEST_SUITE_P(Each, MainJobParity, testing::ValuesIn(full_size_backends()),
                         [](const auto& instance) { return instance.param.name; });

}  // namespace
}  // namespace lacuna::test
