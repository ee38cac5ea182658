// L-BFGS through the Trainer, on the CPU backend.

#include <cmath>
#include <limits>

#include "lacuna/trainer.h"
#include "train/memory.h"
#include "train/run.h"
#include "unit/io_support.h"

namespace lacuna {
namespace {

using test::expect_error;
using test::TemporaryDirectory;

TrainerOptions lbfgs_options() {
  TrainerOptions options;
  options.optimizer.kind = OptimizerKind::lbfgs;
  options.objective.weight_decay = 1e-3;
  return options;
}

struct Job {
  std::unique_ptr<Backend> backend = make_cpu_backend(2);
  Dataset data = synthetic_digits(60);
  Model start;
  TrainerOptions options = lbfgs_options();

  explicit Job(Network network = Network::autoencoder(784, {9})) : start(std::move(network)) {
    initialize(start, {}, 1);
  }
  Trainer trainer() { return {*backend, start, data, options}; }
};

Network classifier() {
  return Network::classifying(Network::autoencoder(784, {9}).encoder, 784, 10);
}

/// No hidden layer, and weight decay: an objective with one minimum.
Job convex_job() {
  Job job(Network::classifying({}, 784, 10));
  job.options.objective.weight_decay = 0.1;
  return job;
}

TEST(LbfgsTraining, AStepIsAnIterationOnAllSamples) {
  Job job;
  job.options.batch = 7;
  Trainer trainer = job.trainer();
  EXPECT_EQ(trainer.steps_per_epoch(), 1);
  const std::vector<StepLoss> losses = trainer.run(12);
  ASSERT_EQ(losses.size(), 12U);
  EXPECT_EQ(trainer.position().step, 12);
  EXPECT_EQ(trainer.position().epoch, 12);
  EXPECT_EQ(trainer.position().position, 0);
  EXPECT_GE(trainer.evaluations(), 13);
  for (std::size_t i = 1; i < losses.size(); ++i) EXPECT_LT(losses[i].total(), losses[i - 1].total());
  EXPECT_EQ(trainer.epoch_means().samples, 60);
  EXPECT_EQ(trainer.epoch_means().loss(), losses.back().total());
  EXPECT_TRUE(trainer.finished().empty());
}

TEST(LbfgsTraining, LossesAreThoseOfTheWholeDataSetBeforeEachStep) {
  for (const Network& network : {Network::autoencoder(784, {9}), classifier()}) {
    Job job(network);
    Trainer trainer = job.trainer();
    for (int i = 0; i < 3; ++i) {
      const StepLoss expected = Evaluator(*job.backend, trainer.model(), job.data).loss(job.options.objective);
      const StepLoss got = trainer.run(1).at(0);
      EXPECT_NEAR(got.reconstruction, expected.reconstruction, 1e-5 * expected.reconstruction);
      EXPECT_NEAR(got.sparsity, expected.sparsity, 1e-5 * expected.sparsity);
      EXPECT_NEAR(got.weight_decay, expected.weight_decay, 1e-5 * expected.weight_decay);
      EXPECT_EQ(got.correct, expected.correct);
    }
  }
}

TEST(LbfgsTraining, LearnsMoreThanAdamInAsManyPasses) {
  Job job;
  Trainer lbfgs = job.trainer();
  lbfgs.run(30);
  const std::int64_t passes = lbfgs.evaluations();
  job.options.optimizer = {.learning_rate = 1e-2};
  job.options.batch = 60;
  Trainer adam = job.trainer();
  adam.run(passes);
  const auto loss = [&](Trainer& t) {
    return Evaluator(*job.backend, t.model(), job.data).loss(job.options.objective).total();
  };
  EXPECT_LT(loss(lbfgs), loss(adam));
}

TEST(LbfgsTraining, EveryKindOfNetworkGoesDown) {
  Network tied = Network::autoencoder(784, {9});
  tied.tied = true;
  Network sparse = Network::autoencoder(784, {9}, Activation::identity);
  sparse.encoder[0].kept = sparse.encoder[0].kept_in_evaluation = 3;
  for (const Network& network : {tied, sparse, classifier(), Network::autoencoder(784, {9, 5})}) {
    Job job(network);
    if (network.encoder[0].kept > 0) job.options.objective.sparsity = Sparsity::topk;
    Trainer trainer = job.trainer();
    const std::vector<StepLoss> losses = trainer.run(10);
    ASSERT_GE(losses.size(), 2U);
    EXPECT_LT(losses.back().total(), 0.9 * losses.front().total());
  }
}

TEST(LbfgsTraining, GoesOnFromACheckpointWithTheSameBits) {
  const TemporaryDirectory directory;
  for (std::int64_t before : {0, 1, 4, 15}) {  // more than there are slots
    Job job;
    Trainer whole = job.trainer();
    whole.run(before);
    save_checkpoint(directory / "c", whole.state());
    Trainer resumed = job.trainer();
    resumed.run(2);  // what it did before must not matter
    resumed.restore(load_checkpoint(directory / "c"));
    EXPECT_EQ(resumed.position().epoch, before);
    const std::vector<StepLoss> expected = whole.run(14), got = resumed.run(14);
    ASSERT_EQ(got.size(), expected.size());
    for (std::size_t i = 0; i < got.size(); ++i) EXPECT_EQ(got[i].total(), expected[i].total()) << before << "+" << i;
    const TrainingState a = whole.state(), b = resumed.state();
    EXPECT_EQ(a.model.parameters, b.model.parameters);
    EXPECT_EQ(a.moments, b.moments);
    EXPECT_EQ(a.optimizer_numbers, b.optimizer_numbers);
    EXPECT_EQ(a.moments.size(), 20U);
  }
}

TEST(LbfgsTraining, TheHistoryIsAsLongAsAskedFor) {
  Job job;
  job.options.optimizer.history = 3;
  Trainer trainer = job.trainer();
  trainer.run(2);
  EXPECT_EQ(trainer.state().moments.size(), 4U);
  trainer.run(3);
  EXPECT_EQ(trainer.state().moments.size(), 6U);
  for (std::int64_t history : {0, 101}) {
    job.options.optimizer.history = history;
    expect_error<InputError>([&] { job.trainer(); }, {"history", std::to_string(history)});
  }
}

TEST(LbfgsTraining, ConvergesAndSaysSo) {
  const TemporaryDirectory directory;
  Job job = convex_job();
  Trainer trainer = job.trainer();
  const std::vector<StepLoss> losses = trainer.run(1000);
  EXPECT_LT(losses.size(), 200U);
  EXPECT_NE(trainer.finished().find("converged"), std::string::npos);
  EXPECT_EQ(trainer.position().step, static_cast<std::int64_t>(losses.size()));
  EXPECT_TRUE(trainer.run(5).empty());
  save_checkpoint(directory / "c", trainer.state());
  Trainer resumed = job.trainer();
  resumed.restore(load_checkpoint(directory / "c"));
  EXPECT_EQ(resumed.finished(), trainer.finished());
  EXPECT_EQ(resumed.run_within_epoch(5), 0);
}

TEST(LbfgsTraining, RefusesWhatWouldChangeTheObjective) {
  const auto refused = [](const auto& change, std::string_view word) {
    Job job;
    change(job.options);
    expect_error<InputError>([&] { job.trainer(); }, {"lbfgs", word});
  };
  refused([](TrainerOptions& o) { o.noise.amount = 0.1; }, "noise");
  refused([](TrainerOptions& o) { o.dropout = 0.1; }, "dropout");
  refused([](TrainerOptions& o) { o.kept_at_start = o.anneal_steps = 5; }, "k that changes");
}

TEST(LbfgsTraining, RefusesTheStateOfAnotherOptimizer) {
  Job job, other;
  other.options.optimizer = {};
  Trainer lbfgs = job.trainer(), adam = other.trainer();
  lbfgs.run(1);
  expect_error<InputError>([&] { lbfgs.restore(adam.state()); }, {"state.optimizer", "lbfgs"});
  expect_error<InputError>([&] { adam.restore(job.trainer().state()); }, {"0 optimizer moments", "needs 2"});
  TrainingState state = lbfgs.state();
  state.moments.pop_back();
  expect_error<InputError>([&] { lbfgs.restore(state); }, {"1 optimizer moments", "pairs"});
  state.moments.resize(22, state.moments[0]);
  expect_error<InputError>([&] { lbfgs.restore(state); }, {"22 optimizer moments", "10 at most"});
  for (const std::vector<std::int64_t>& numbers :
       {std::vector<std::int64_t>{}, {1, 2}, {-1, 2, 0}, {11, 2, 0}, {1, -2, 0}, {1, 2, 3}, {1, 2, -1}}) {
    state = lbfgs.state();
    state.optimizer_numbers = numbers;
    expect_error<InputError>([&] { lbfgs.restore(state); }, {"state.optimizer"});
  }
}

TEST(LbfgsTraining, AStartThatIsNotFiniteIsNamed) {
  Job job;
  job.start.parameters[0] = std::numeric_limits<float>::quiet_NaN();
  Trainer trainer = job.trainer();
  expect_error<Error>([&] { trainer.run(1); }, {"nan", "lbfgs starts"});
  // And nothing of it is left when another state is restored.
  Job good;
  Trainer other = good.trainer();
  trainer.restore(other.state());
  EXPECT_EQ(trainer.run(2).at(1).total(), other.run(2).at(1).total());
}

class Silent final : public RunObserver {
 public:
  int epochs = 0;
  void on_progress(const RunProgress&) override {}
  void on_epoch(const EpochMetrics&, const RunProgress&) override { ++epochs; }
};

TEST(LbfgsTraining, ARunEndsWhereItConverges) {
  const TemporaryDirectory parent;
  RunDirectory directory(parent / "run");
  directory.open();
  Job job = convex_job();
  Trainer trainer = job.trainer();
  Silent observer;
  const RunPlan plan{1000, 60, 0, 0, 10};
  const RunOutcome outcome = run_training(trainer, directory, plan, observer, false);
  EXPECT_FALSE(outcome.interrupted);
  EXPECT_EQ(outcome.finished, trainer.finished());
  EXPECT_FALSE(outcome.finished.empty());
  EXPECT_EQ(outcome.position.epoch, observer.epochs);
  const std::vector<CheckpointFile> files = directory.checkpoints();
  ASSERT_FALSE(files.empty());
  EXPECT_EQ(files.back().epoch, observer.epochs);
  for (std::size_t i = 0; i + 1 < files.size(); ++i) EXPECT_EQ(files[i].epoch, 10 * static_cast<std::int64_t>(i + 1));

  Trainer resumed = job.trainer();
  EXPECT_TRUE(restore_newest(resumed, directory, 60, [](const std::string&) {}));
  Silent again;
  EXPECT_EQ(run_training(resumed, directory, plan, again, false).position.epoch, observer.epochs);
  EXPECT_EQ(again.epochs, 0);
}

TEST(LbfgsTraining, MemoryCountsAllSamplesAndTheHistory) {
  const Network network = Network::autoencoder(784, {200});
  const Optimizer lbfgs{.kind = OptimizerKind::lbfgs}, sgd{.kind = OptimizerKind::sgd};
  EXPECT_EQ(training_bytes(network, lbfgs, 100, 5000), training_bytes(network, lbfgs, 5000, 5000));
  const double slab = 4.0 * (2.0 * 784 * 200 + 784 + 200);
  EXPECT_EQ(training_bytes(network, lbfgs, 100, 5000) - training_bytes(network, sgd, 5000, 5000),
            (20.0 + 20.0 + 5.0) * slab);
}

}  // namespace
}  // namespace lacuna
