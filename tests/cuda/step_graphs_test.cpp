// Many steps in one launch by the host, each batch gathered beside the step before: the same bits as one step at a
// time, in whatever order queued work runs.

#include "cuda/emulator.h"
#include "parity/training_run.h"
#include "train/plans.h"

namespace lacuna::test {
namespace {

struct NamedRun {
  const char* name;
  Network network;
  TrainerOptions options;

  friend void PrintTo(const NamedRun& named, std::ostream* out) { *out << named.name; }

  /// 17 steps of 4 samples to an epoch, which are graphs of 16 and of 1, and one of 3.
  TrainingRun run() const {
    TrainingRun run{random_model(network, 1), random_dataset(71, 12, DType::u8, 2), options, 22};
    if (network.classifier) run.data = with_labels(run.data, 3, 3);
    run.options.batch = 4;
    run.options.seed = 5;
    run.options.optimizer.schedule.warmup = 15;
    return run;
  }
};

std::vector<NamedRun> named_runs() {
  TrainerOptions classifier;
  classifier.dropout = 0.5;
  Network sparse = make_network(12, {9}, {}, Activation::identity, Activation::identity);
  sparse.encoder[0].kept = 3;
  sparse.encoder[0].kept_in_evaluation = 3;
  TrainerOptions annealed;
  annealed.objective.sparsity = Sparsity::topk;
  annealed.noise = {NoiseKind::mask, 0.3};
  annealed.kept_at_start = 8;
  annealed.anneal_steps = 12;
  return {{"autoencoder", Network::autoencoder(12, {5}), {}},
          {"classifier", Network::classifying({{12, 5, Activation::sigmoid}}, 12, 3), classifier},
          {"k_sparse", sparse, annealed}};
}

class StepGraphs : public Emulator, public testing::WithParamInterface<NamedRun> {};

TEST_P(StepGraphs, GiveTheSameBitsAsOneStepAtATime) {
  const TrainingRun run = GetParam().run();
  const auto backend = make_backend("cuda");
  Trainer at_once(*backend, run.start, run.data, run.options), one_by_one(*backend, run.start, run.data, run.options);
  const std::vector<StepLoss> losses = at_once.run(run.steps);
  for (const StepLoss& loss : losses) EXPECT_EQ(one_by_one.run(1).at(0).total(), loss.total());
  EXPECT_EQ(parameters_of(at_once.model()), parameters_of(one_by_one.model()));
  EXPECT_EQ(at_once.position().step, one_by_one.position().step);
  EXPECT_EQ(at_once.position().position, one_by_one.position().position);
}

/// An event too few shows here: in one of the two orders a batch comes too late, or too early.
TEST_P(StepGraphs, GiveTheSameBitsWhenWorkRunsAsLateAsItMay) {
  const TrainingRun run = GetParam().run();
  const auto expected = train_on(*make_backend("cuda"), run).parameters;
  for (unsigned seed : {0u, 1u}) {
    simt::set_execution(simt::Execution::deferred, seed);
    EXPECT_EQ(train_on(*make_backend("cuda"), run).parameters, expected);
  }
}

INSTANTIATE_TEST_SUITE_P(Each, StepGraphs, testing::ValuesIn(named_runs()),
                         [](const auto& instance) { return instance.param.name; });

class StepGraphsAcrossEpochs : public Emulator {};

/// The trainer ends its runs with the epoch; an executable need not.
TEST_F(StepGraphsAcrossEpochs, GoOnWithTheNextEpochsOrder) {
  constexpr std::int64_t kRows = 8, kFeatures = 6, kCapacity = 16;
  const auto backend = make_backend("cuda");
  const Dataset data = random_dataset(kRows, kFeatures, DType::f32, 1);
  const Model model = random_model(Network::autoencoder(kFeatures, {3}), 2);
  TrainerOptions options;
  options.batch = 2;
  const StepPlan plan = build_training_plan(model.network, options, 2, kRows, DType::f32, kCapacity);
  const auto run = [&](const std::vector<std::int64_t>& pieces) {
    std::map<std::string, std::unique_ptr<DeviceBuffer>> buffers;
    Bindings bindings;
    for (const Buffer& buffer : plan.buffers)
      if (buffer.kind == Buffer::Kind::bound)
        bindings[buffer.name] = (buffers[buffer.name] = backend->allocate(buffer.bytes(), buffer.name)).get();
    backend->upload(*buffers[names::kData], 0, data.values(), data.bytes());
    backend->upload(*buffers[names::kParameters], 0, model.parameters.data(), buffers[names::kParameters]->bytes());
    const auto executable = backend->compile(plan, bindings);
    for (std::int64_t steps : pieces) EXPECT_EQ(executable->run(steps), steps);
    std::vector<std::byte> result;
    for (const char* name : {names::kParameters, names::kMoment2, names::kState, names::kScalars, names::kRing}) {
      std::vector<std::byte> bytes(static_cast<std::size_t>(buffers[name]->bytes()));
      backend->download(bytes.data(), *buffers[name], 0, buffers[name]->bytes());
      result.insert(result.end(), bytes.begin(), bytes.end());
    }
    return result;
  };
  const auto expected = run({1, 1, 1, 1, 1, 1, 1, 1, 1, 1});
  simt::reset_counters();
  EXPECT_EQ(run({1, 4, 1, 4}), expected);  // each four of them pass the end of an epoch
  EXPECT_EQ(simt::counters().graph_launches, 4u);
}

}  // namespace
}  // namespace lacuna::test
