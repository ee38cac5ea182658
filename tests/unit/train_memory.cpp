#include <gtest/gtest.h>

#include <algorithm>

#include "core/kept_share.h"
#include "lacuna/data.h"
#include "train/memory.h"

namespace lacuna {
namespace {

TEST(TrainingMemory, CountsTheSmallerBatchThatEndsAnEpoch) {
  const Network network = Network::autoencoder(784, {200});
  const Optimizer adam;
  const double whole = training_bytes(network, adam, 100, 1000), with_last = training_bytes(network, adam, 100, 1040);
  EXPECT_GT(with_last, whole);
  // It has a plan of its own, with the decoder's gradient transposed.
  EXPECT_EQ(with_last, training_bytes(network, adam, 140, 1400) + 4.0 * 784 * 200);
  // A batch larger than the data set is the data set.
  EXPECT_EQ(training_bytes(network, adam, 5000, 1000), training_bytes(network, adam, 1000, 1000));
}

TEST(TrainingMemory, CountsTheTransposedGradientsOfTallLayers) {
  // Of 60 -> 20 -> 60 the decoder is tall, of 60 -> 21 -> 60 no layer is.
  const auto bytes = [](const Network& network) { return training_bytes(network, Optimizer{}, 10, 10); };
  const auto without =
      [](double hidden) {  // parameters, gradients, moments and their copies; activations; sparse input
        return 4.0 * ((2 * 60 * hidden + 60 + hidden) * 7 + (60 + 2 * hidden + 2 * 60) * 10) + 5 * 60 * 10;
      };
  EXPECT_EQ(bytes(Network::autoencoder(60, {21})), without(21));
  EXPECT_EQ(bytes(Network::autoencoder(60, {20})), without(20) + 4 * 60 * 20);
  Network tied = Network::autoencoder(60, {20});
  tied.tied = true;
  EXPECT_EQ(bytes(tied), without(20)) << "gradients that are added up are not turned";
}

TEST(TrainingMemory, CountsTheKeptUnitsOfATopKCode) {
  const std::int64_t units = 10 * cpu::units_to_one_kept();
  Network network = Network::autoencoder(120, {units});  // no layer is tall
  const double all = training_bytes(network, Optimizer{}, 10, 10);
  const double turned = 2.0 * 4.0 * 120.0 * static_cast<double>(units);
  network.encoder[0].kept = 4;
  EXPECT_EQ(training_bytes(network, Optimizer{}, 10, 10), all + 16 * 10 * 4 + turned);
  TrainerOptions options;
  options.batch = 10;
  options.kept_at_start = 50;
  EXPECT_EQ(training_bytes(network, options, 10), all + 16 * 10 * 10 + turned) << "from 10 on they are few";
  network.tied = true;
  EXPECT_EQ(training_bytes(network, Optimizer{}, 10, 10), all + 16 * 10 * 4) << "a tied weight is not turned";
  network.encoder[0].kept = 11;
  EXPECT_EQ(training_bytes(network, Optimizer{}, 10, 10), all) << "too many";
}

TEST(TrainingMemory, CountsKeptUnitsWhereTheBackendGoesThroughThem) {
  const Dataset data = synthetic_digits(20);
  const std::int64_t units = 10 * cpu::units_to_one_kept();
  const auto backend = make_backend("cpu", {.threads = 1});
  TrainerOptions options;
  options.batch = 20;
  options.objective.sparsity = Sparsity::topk;
  for (const std::int64_t kept : {10, 11}) {
    Model model(Network::autoencoder(data.features(), {units}, Activation::identity));
    const double all = training_bytes(model.network, options, data.rows());
    model.network.encoder[0].kept = model.network.encoder[0].kept_in_evaluation = kept;
    const double counted = training_bytes(model.network, options, data.rows());
    const Trainer trainer(*backend, model, data, options);
    const bool through_kept = std::ranges::any_of(trainer.remarks(), [](const std::string& remark) {
      return remark.find("products with the code go through those alone") != std::string::npos;
    });
    EXPECT_EQ(through_kept, kept == 10);
    EXPECT_EQ(through_kept, counted > all) << kept << " of " << units;
  }
}

TEST(TrainingMemory, CountsNoiseAndDropout) {
  const Network network = Network::autoencoder(60, {30, 21});
  TrainerOptions options;
  options.batch = 10;
  const double plain = training_bytes(network, options, 100);
  EXPECT_EQ(plain, training_bytes(network, options.optimizer, 10, 100));
  options.dropout = 0.5;
  const double dropout = training_bytes(network, options, 100);
  EXPECT_EQ(dropout - plain, 4.0 * 10 * (30 + 21 + 30)) << "of hidden layers only";
  options.noise.amount = 0.1;
  const double sparse_input = 5.0 * 10 * 60;  // noisy samples have none
  EXPECT_EQ(training_bytes(network, options, 100) - dropout, 4.0 * 10 * 60 - sparse_input);
}

TEST(TrainingMemory, OfAnotherDeviceIsNotAskedOfThisMachine) {
  const Network network = Network::autoencoder(784, {200});
  EXPECT_LT(host_bytes(network, {}), training_bytes(network, {}, 1, 1));
}

}  // namespace
}  // namespace lacuna
