// --products batched: models that are trained at once share their products' calls, and each has the bits that it has
// alone.

#include "together/joint_models.h"

#include <barrier>
#include <thread>

#include "cuda/emulator.h"
#include "cuda/joint_training.h"
#include "gmock/gmock.h"
#include "lacuna/error.h"
#include "parity/training_run.h"

namespace lacuna::test {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

constexpr std::int64_t kFeatures = 60, kUnits = 20;

/// Three models that differ in all but their shapes; epochs of two batches of 24 and one of 12.
std::vector<TrainingRun> three_runs() {
  std::vector<TrainingRun> runs;
  for (std::uint64_t i = 0; i < 3; ++i) {
    TrainingRun run{.start = random_model(Network::autoencoder(kFeatures, {kUnits}), 1 + i, 2.0),
                    .data = random_dataset(60, kFeatures, DType::u8, 2),
                    .options = {.objective = {}, .optimizer = {.learning_rate = 0.01}, .batch = 24, .seed = 5 + i},
                    .steps = 7};
    run.options.objective.rho = 0.05 + 0.1 * static_cast<double>(i);
    run.options.optimizer.learning_rate *= static_cast<double>(1 + i);
    runs.push_back(std::move(run));
  }
  return runs;
}

class JointModels : public Emulator, public testing::WithParamInterface<Precision> {};

TEST_P(JointModels, HaveTheBitsThatTheyHaveAlone) {
  const std::vector<TrainingRun> runs = three_runs();
  const std::vector<TrainingResult> together = train_together(runs, GetParam());
  expect_same_bits_alone(runs, together, GetParam());
  if (GetParam() != Precision::fp32) return;  // how near others come is shown of a model alone
  for (std::size_t i = 0; i < runs.size(); ++i) expect_same_training(runs[i], together[i], train_reference(runs[i]));
}

TEST_P(JointModels, MakeOneCallForEachProductOfAll) {
  std::vector<TrainingRun> runs = three_runs();
  for (TrainingRun& run : runs) run.steps = 2;
  train_together(runs, GetParam(), patient_group(), simt::reset_counters);
  EXPECT_EQ(simt::counters().gemms, 2u * 5);
}
INSTANTIATE_TEST_SUITE_P(Each, JointModels, testing::Values(Precision::fp32, Precision::tf32, Precision::bf16),
                         [](const auto& instance) { return std::string(to_string(instance.param)); });

TEST_F(JointModels, OfOtherShapesMakeTheirOwn) {
  std::vector<TrainingRun> runs = three_runs();
  runs[1].start = random_model(Network::autoencoder(kFeatures, {kUnits + 1}), 8, 2.0);
  for (TrainingRun& run : runs) run.steps = 2;
  expect_same_bits_alone(runs, train_together(runs));
  train_together(runs, Precision::fp32, patient_group(), simt::reset_counters);
  EXPECT_EQ(simt::counters().gemms, 2u * 5 + 2u * 5);
}

TEST_F(JointModels, NeedHaveNothingInCommonButTheirProducts) {
  std::vector<TrainingRun> runs = three_runs();
  runs[0].options.objective.sparsity = Sparsity::l1;
  runs[0].options.noise = {NoiseKind::mask, 0.25};
  runs[1].start = random_model(make_network(kFeatures, {kUnits}, {}, Activation::relu, Activation::sigmoid), 9, 2.0);
  runs[1].options.objective.sparsity = Sparsity::none;
  runs[2].options.optimizer = {.kind = OptimizerKind::sgd, .learning_rate = 0.1};
  for (TrainingRun& run : runs) run.steps = 2;
  const std::vector<TrainingResult> together =
      train_together(runs, Precision::fp32, patient_group(), simt::reset_counters);
  EXPECT_EQ(simt::counters().gemms, 2u * 5);
  expect_same_bits_alone(runs, together);
}

TEST_F(JointModels, GoOnWhenOneHasLeft) {
  std::vector<TrainingRun> runs = three_runs();
  for (std::size_t i = 0; i < runs.size(); ++i) runs[i].steps = static_cast<std::int64_t>(2 + 3 * i);
  expect_same_bits_alone(runs, train_together(runs));
}

/// The smaller last batches of all are of one size, and come at different times: whoever waits with one goes alone, and
/// nobody's patience is needed.
TEST_F(JointModels, DoNotWaitForOneThatIsElsewhere) {
  std::vector<TrainingRun> runs = three_runs();
  runs[1].data = random_dataset(36, kFeatures, DType::u8, 3);
  runs[2].data = random_dataset(84, kFeatures, DType::u8, 4);
  const auto begin = std::chrono::steady_clock::now();
  const std::vector<TrainingResult> together =
      train_together(runs, Precision::fp32, std::make_shared<cuda::JointModels>(60s));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 60s);
  expect_same_bits_alone(runs, together);
}

/// Who does not come is waited for once, and not again until he has come.
TEST_F(JointModels, DoNotWaitAgainForOneThatIsAway) {
  const std::vector<TrainingRun> runs = three_runs();
  const auto idle_group = std::make_shared<cuda::JointModels>(500ms);
  const auto idle_backend = backend_in(idle_group), backend = backend_in(idle_group);
  const Trainer idle(*idle_backend, runs[0].start, runs[0].data, runs[0].options);
  Trainer trainer(*backend, runs[1].start, runs[1].data, runs[1].options);
  trainer.run_within_epoch(1);
  const auto begin = std::chrono::steady_clock::now();
  trainer.run_within_epoch(1);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 500ms);
}

TEST_F(JointModels, RunGraphsOfManySteps) {
  std::vector<TrainingRun> runs = three_runs();
  for (TrainingRun& run : runs) {
    run.data = random_dataset(22 * 8, kFeatures, DType::u8, 6);
    run.options.batch = 8;
    run.steps = 22;
  }
  const std::vector<TrainingResult> together =
      train_together(runs, Precision::fp32, patient_group(), simt::reset_counters);
  EXPECT_EQ(simt::counters().gemms, 22u * 5);
  EXPECT_EQ(simt::counters().graph_launches, 4u) << "16, 4, 1 and 1 steps";
  expect_same_bits_alone(runs, together);
}

/// By algorithms on record, one of them for batches as well, one not; and by cuBLAS itself.
TEST_F(JointModels, ComputeByThemselvesWhatCannotBeBatched) {
  std::vector<TrainingRun> runs = three_runs();
  runs.pop_back();
  for (TrainingRun& run : runs) run.steps = 2;
  const ProductOptions recorded{
      .algorithms = {{"nt24x20x60", "3.15.0.8.2.0.0.0.0"}, {"tn60x20x24", "1.20.0.4.2.0.0.0.0"}}};
  const auto both = patient_group();
  const std::vector<TrainingResult> together = train_at_once(
      runs, [&](std::size_t) { return backend_in(both, Precision::fp32, recorded); }, simt::reset_counters);
  EXPECT_EQ(simt::counters().gemms, 2u * (1 + 2 * 4));
  for (std::size_t i = 0; i < runs.size(); ++i)
    expect_same_bits(together[i], train_on(*backend_in(nullptr, Precision::fp32, recorded), runs[i]));
}

TEST_F(JointModels, OfOtherAlgorithmsOrPrecisionsDoNotMix) {
  const std::vector<TrainingRun> runs = three_runs();
  const ProductOptions recorded{.algorithms = {{"nt24x20x60", "1.20.0.4.2.0.0.0.0"}}};
  const auto backend_of = [&](std::size_t i, const std::shared_ptr<ModelGroup>& group) {
    if (i == 0) return backend_in(group, Precision::fp32, recorded);
    return backend_in(group, i == 1 ? Precision::fp32 : Precision::bf16);
  };
  const auto all = patient_group();
  const std::vector<TrainingResult> together = train_at_once(runs, [&](std::size_t i) { return backend_of(i, all); });
  for (std::size_t i = 0; i < runs.size(); ++i)
    expect_same_bits(together[i], train_on(*backend_of(i, patient_group()), runs[i]));
}

TEST_F(JointModels, StopWhenTheyAreTold) {
  const std::vector<TrainingRun> runs = three_runs();
  const std::atomic<bool> stop = true;
  const auto both = patient_group();
  const auto train = [&](std::size_t i) {
    const auto backend = backend_in(both);
    Trainer trainer(*backend, runs[i].start, runs[i].data, runs[i].options);
    EXPECT_TRUE(trainer.run(5, &stop).empty());
    EXPECT_EQ(trainer.position().step, 0);
  };
  std::jthread first(train, 0), second(train, 1);
}

/// Whoever leads meets the error first; everybody hears of it.
TEST_F(JointModels, AllHearOfADeviceThatIsLost) {
  const std::vector<TrainingRun> runs = three_runs();
  const auto all = patient_group();
  std::atomic<int> heard = 0;
  std::barrier everybody(3, []() noexcept { simt::lose_device_after_work(100); });
  std::vector<std::jthread> threads;
  for (const TrainingRun& run : runs)
    threads.emplace_back([&] {
      const auto backend = backend_in(all);
      Trainer trainer(*backend, run.start, run.data, run.options);
      everybody.arrive_and_wait();
      try {
        trainer.run(200);
      } catch (const Error&) {
        ++heard;
      }
    });
  threads.clear();
  EXPECT_EQ(heard, 3);
  simt::reset();  // what a lost device does not take back
}

TEST_F(JointModels, TrainAloneWhereThereIsNoRoomToMeet) {
  TrainingRun run = three_runs()[0];
  std::size_t needed = 0;
  {
    const auto backend = backend_in(patient_group());
    const Trainer trainer(*backend, run.start, run.data, run.options);
    needed = simt::live().device_bytes;
  }
  const TrainingResult expected = train_on(*backend_in(patient_group()), run);
  simt::set_machine({.device_memory = needed - (std::size_t{20} << 20), .multiprocessors = 2});
  expect_same_bits(train_on(*backend_in(patient_group()), run), expected);
  simt::set_machine(kSmall);
}

TEST_F(JointModels, NeedNotMeet) {
  const std::vector<TrainingRun> runs = three_runs();
  expect_same_bits_alone(runs, train_together(runs, Precision::fp32, std::make_shared<cuda::JointModels>(0ms)));
}

TEST_F(JointModels, HoldInEverySchedule) {
  std::vector<TrainingRun> runs = three_runs();
  for (TrainingRun& run : runs) run.steps = 4;
  const std::vector<TrainingResult> first = train_together(runs);
  for (const unsigned seed : {0u, 1u}) {
    simt::set_execution(simt::Execution::deferred, seed);
    const std::vector<TrainingResult> again = train_together(runs);
    for (std::size_t i = 0; i < runs.size(); ++i) expect_same_bits(again[i], first[i]);
  }
}

/// Steps that a model made alone come before joint ones.
TEST_F(JointModels, GoOnFromStepsThatOneMadeAlone) {
  const std::vector<TrainingRun> runs = three_runs();
  for (const unsigned seed : {0u, 1u}) {
    simt::set_execution(simt::Execution::deferred, seed);
    std::vector<TrainingResult> together(2), alone(2);
    const auto both = patient_group();
    std::barrier begun(2), ready(2);
    const auto train = [&](std::size_t i) {
      if (i == 1) begun.arrive_and_wait();
      const auto backend = backend_in(both);
      Trainer trainer(*backend, runs[i].start, runs[i].data, runs[i].options);
      if (i == 0) trainer.run_within_epoch(1);  // nobody else is there
      if (i == 0) begun.arrive_and_wait();
      ready.arrive_and_wait();
      trainer.run_within_epoch(1);
      together[i].parameters = parameters_of(trainer.model());
    };
    { std::jthread first(train, 0), second(train, 1); }
    for (std::size_t i = 0; i < 2; ++i) {
      const auto backend = backend_in(patient_group());
      Trainer trainer(*backend, runs[i].start, runs[i].data, runs[i].options);
      trainer.run_within_epoch(i == 0 ? 2 : 1);
      alone[i].parameters = parameters_of(trainer.model());
      expect_same_bits(together[i], alone[i]);
    }
  }
}

TEST_F(JointModels, GoOnAloneWhereThereIsNoMemoryForMore) {
  std::vector<TrainingRun> runs = three_runs();
  runs.pop_back();
  for (TrainingRun& run : runs) run.steps = 2;
  std::size_t before = 0;  // joint steps begin
  {
    const auto two = patient_group();
    const auto one = backend_in(two), other = backend_in(two);
    const Trainer first(*one, runs[0].start, runs[0].data, runs[0].options);
    const Trainer second(*other, runs[1].start, runs[1].data, runs[1].options);
    before = simt::live().device_bytes;
  }
  simt::set_machine({.device_memory = before, .multiprocessors = 2});
  const std::vector<TrainingResult> tight =
      train_together(runs, Precision::fp32, patient_group(), simt::reset_counters);
  EXPECT_EQ(simt::counters().gemms, 2u * 2 * 5);
  simt::set_machine(kSmall);
  expect_same_bits_alone(runs, tight);
}

TEST_F(JointModels, RecordTheAlgorithmsWithWhichATrainerAloneHasTheSameBits) {
  const std::vector<TrainingRun> runs = three_runs();
  const std::vector<TrainingResult> together = train_together(runs);
  const auto backend = backend_in(patient_group());
  const Trainer trainer(*backend, runs[0].start, runs[0].data, runs[0].options);
  EXPECT_EQ(trainer.products().size(), 10u) << "five products, of two sizes of batch";
  EXPECT_THAT(trainer.remarks().at(0), HasSubstr("products batched: 5 of 5 shapes by cuBLASLt"));
  const auto recorded = make_backend("cuda", {.engine = Engine::graph, .products = {.algorithms = trainer.products()}});
  expect_same_bits(train_on(*recorded, runs[0]), together[0]);
}

}  // namespace
}  // namespace lacuna::test
