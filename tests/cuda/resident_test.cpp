// The resident engine on the emulator: the same bits in every order and however a run is cut, what a step costs the
// host, and networks that do not fit.

#include <filesystem>

#include "cuda/emulator.h"
#include "gmock/gmock.h"
#include "lacuna/error.h"
#include "parity/training_run.h"
#include "resident/resident_layout.h"

namespace lacuna::test {
namespace {

using testing::HasSubstr;

class Resident : public Emulator {
 protected:
  static std::unique_ptr<Backend> resident(int multiprocessors = 0, Precision precision = Precision::fp32) {
    return make_backend("cuda",
                        {.precision = precision, .engine = Engine::resident, .multiprocessors = multiprocessors});
  }

  /// Batches of 10, 10 and 3.
  static TrainingRun small_run(DType type = DType::u8) {
    return {.start = random_model(Network::autoencoder(15, {6}), 1, 2.0),
            .data = random_dataset(23, 15, type, 2),
            .options = {.objective = {}, .optimizer = {.learning_rate = 0.01}, .batch = 10, .seed = 5},
            .steps = 8};
  }

  static std::string refusal(const TrainingRun& run) {
    try {
      Trainer(*resident(), run.start, run.data, run.options);
    } catch (const InputError& error) {
      return error.what();
    }
    ADD_FAILURE() << "nothing was thrown";
    return "";
  }
};

TEST_F(Resident, EveryScheduleGivesTheSameBits) {
  TrainingRun run = small_run();
  run.steps = 4;
  const TrainingResult expected = train_on(*resident(), run);
  for (const simt::Schedule& schedule : kSchedules) {
    simt::set_schedule(schedule);
    expect_same_bits(train_on(*resident(), run), expected);
  }
  simt::set_schedule({});
  for (unsigned seed : {0u, 1u}) {
    simt::set_execution(simt::Execution::deferred, seed);
    expect_same_bits(train_on(*resident(), run), expected);
  }
}

TEST_F(Resident, EveryScheduleGivesTheSameBitsOnTensorCores) {
  TrainingRun run = small_run();
  run.steps = 2;
  for (const Precision precision : {Precision::tf32, Precision::bf16}) {
    const TrainingResult expected = train_on(*resident(0, precision), run);
    EXPECT_NE(expected.parameters, train_on(*resident(), run).parameters);
    for (const simt::Schedule& schedule : kSchedules) {
      simt::set_schedule(schedule);
      expect_same_bits(train_on(*resident(0, precision), run), expected);
    }
    simt::set_schedule({});
  }
}

TEST_F(Resident, PiecesAreTheWhole) {
  const TrainingRun run = small_run(DType::f32);
  const TrainingResult whole = train_on(*resident(), run);
  const auto backend = resident();
  Trainer first(*backend, run.start, run.data, run.options), second(*backend, run.start, run.data, run.options);
  TrainingResult pieces;
  for (const StepLoss& loss : first.run(1)) pieces.losses.push_back(loss);
  for (const StepLoss& loss : first.run(3)) pieces.losses.push_back(loss);
  second.run(2);  // must leave no trace
  second.restore(first.state());
  for (const StepLoss& loss : second.run(4)) pieces.losses.push_back(loss);
  pieces.parameters = parameters_of(second.model());
  expect_same_bits(pieces, whole);
}

TEST_F(Resident, ARunGoesOnWithTheOtherEngine) {
  const TrainingRun run = small_run();
  const TrainingResult expected = train_reference(run);
  const auto graph = make_backend("cuda", {.engine = Engine::graph}), other = resident();
  Trainer begun(*other, run.start, run.data, run.options), gone_on(*graph, run.start, run.data, run.options),
      ended(*other, run.start, run.data, run.options);
  TrainingResult joined{begun.run(2), {}};
  gone_on.restore(begun.state());
  for (const StepLoss& loss : gone_on.run(2)) joined.losses.push_back(loss);
  ended.restore(gone_on.state());
  for (const StepLoss& loss : ended.run(4)) joined.losses.push_back(loss);
  joined.parameters = parameters_of(ended.model());
  expect_same_training(run, joined, expected);
}

TEST_F(Resident, NeitherWaitsNorAllocatesInAStep) {
  const Dataset data = random_dataset(140, 3, DType::f32, 1);
  TrainerOptions options;
  options.batch = 2;  // 70 steps: launches of 64 and 6
  const auto backend = resident();
  Trainer trainer(*backend, random_model(Network::autoencoder(3, {2}), 2), data, options);
  simt::reset_counters();
  EXPECT_EQ(trainer.run_within_epoch(1000), 70);
  const simt::Counters& counters = simt::counters();
  EXPECT_EQ(counters.launches, 2u);
  EXPECT_EQ(counters.graph_launches + counters.gemms, 0u);
  EXPECT_EQ(counters.allocations + counters.pinned_allocations + counters.frees + counters.copies_h2d, 0u);
  EXPECT_EQ(counters.synchronisations, 1u);  // for the losses of the epoch
}

TEST_F(Resident, StopsBetweenLaunches) {
  const TrainingRun run = small_run();
  const auto backend = resident();
  Trainer trainer(*backend, run.start, run.data, run.options);
  const std::atomic<bool> stop{true};
  EXPECT_EQ(trainer.run_within_epoch(10, &stop), 0);
  EXPECT_EQ(trainer.position().step, 0);
}

/// On a share of the device a model gives what it gives on a device of that size.
TEST_F(Resident, TakesTheMultiprocessorsThatItIsGiven) {
  TrainingRun run = small_run();
  run.steps = 3;
  const TrainingResult expected = train_on(*resident(), run);
  simt::set_machine({.multiprocessors = 5});
  const auto share = resident(2);
  expect_same_bits(train_on(*share, run), expected);
  const auto whole = resident();
  Trainer trainer(*whole, run.start, run.data, run.options);
  EXPECT_THAT(trainer.remarks().at(0), HasSubstr("engine resident: 5 multiprocessors with"));
  EXPECT_THAT(trainer.remarks().at(0), HasSubstr("the batch stays there"));
}

/// Little shared memory: batch and code in tiles, the batch gathered twice; or the batch whole and the code in tiles.
TEST_F(Resident, WorksInTilesWhereRoomIsShort) {
  TrainingRun run = small_run(DType::f32);
  run.start = random_model(Network::autoencoder(15, {6}), 1, 2.0);
  run.data = random_dataset(63, 15, DType::f32, 2);
  run.options.batch = 30;
  run.steps = 5;
  const TrainingResult expected = train_reference(run);
  std::string remark;
  for (const std::size_t kibibytes : {8u, 6u}) {
    simt::set_machine({.multiprocessors = 3, .shared_memory = kibibytes * 1024});
    const auto backend = resident();
    remark = Trainer(*backend, run.start, run.data, run.options).remarks().at(0);
    expect_same_training(run, train_on(*backend, run), expected);
  }
  EXPECT_THAT(remark, HasSubstr("is gathered twice"));
}

TEST_F(Resident, WorksInTilesOnTensorCores) {
  TrainingRun run = small_run(DType::f32);
  run.data = random_dataset(63, 15, DType::f32, 2);
  run.options.optimizer = {.kind = OptimizerKind::sgd, .learning_rate = 0.02};
  run.options.batch = 50;
  run.steps = 2;
  const TrainingResult expected = train_reference(run);
  struct Room {
    Precision precision;
    std::size_t kibibytes;
    const char* remark;
  };
  for (const auto& [precision, kibibytes, remark] :
       {Room{Precision::tf32, 11, "the batch stays there"}, Room{Precision::bf16, 9, "the batch stays there"},
        Room{Precision::tf32, 8, "gathered twice, 16 samples at a time"},
        Room{Precision::bf16, 8, "gathered twice, 16 samples at a time"}}) {
    simt::set_machine({.multiprocessors = 3, .shared_memory = kibibytes * 1024});
    const auto backend = resident(0, precision);
    EXPECT_THAT(Trainer(*backend, run.start, run.data, run.options).remarks().at(0), HasSubstr(remark));
    expect_same_training(run, train_on(*backend, run), expected, precision);
  }
}

/// Rows that a warp reads at once begin in different banks.
TEST(ResidentLayout, SpreadsRowsOverBanksForTensorCores) {
  for (const int size : {1, 15, 16, 33, 196, 784, 1001})
    for (const auto& [data_bytes, precision] : {std::pair{1, Precision::tf32}, std::pair{4, Precision::bf16}}) {
      const cuda::ResidentLayout layout = cuda::resident_layout({.rows = size,
                                                                 .features = size,
                                                                 .units = size,
                                                                 .blocks = 132,
                                                                 .data_bytes = data_bytes,
                                                                 .moments = 2,
                                                                 .precision = precision},
                                                                226 * 1024);
      const int words_of_h = layout.h_stride * cuda::code_bytes(precision) / 4;
      for (const int words : {words_of_h, layout.x_stride * data_bytes / 4}) EXPECT_EQ(words % 8, 4);
      EXPECT_EQ(layout.d_stride % (data_bytes == 1 ? 32 : 8), data_bytes == 1 ? 16 : 4);
      for (const int stride : {layout.m_stride, layout.delta2_stride}) EXPECT_EQ(stride % 16, 8);
      for (const int stride : {layout.h_stride, layout.d_stride, layout.x_stride, layout.m_stride})
        EXPECT_GE(stride, size);
      EXPECT_TRUE(layout.x_rows == size || layout.x_rows % 16 == 0);
      EXPECT_TRUE(layout.h_rows == size || layout.h_rows % 16 == 0);
    }
}

TEST(ResidentLayout, KeepsTheBatchWhereItFits) {
  constexpr std::int64_t kHopper = 226 * 1024;
  const cuda::ResidentLayout small = cuda::resident_layout(
      {.rows = 100, .features = 784, .units = 196, .blocks = 132, .data_bytes = 1, .moments = 2}, kHopper);
  EXPECT_EQ(small.x_rows, 100);
  EXPECT_EQ(small.h_rows, 100);
  EXPECT_LE(small.bytes, kHopper);
  const cuda::ResidentLayout wide = cuda::resident_layout(
      {.rows = 100, .features = 784, .units = 500, .blocks = 132, .data_bytes = 1, .moments = 2}, kHopper);
  EXPECT_EQ(wide.x_rows, 100);
  EXPECT_GE(wide.h_rows, 16);
  EXPECT_LT(wide.h_rows, 100);
  EXPECT_LE(wide.bytes, kHopper);
  const cuda::ResidentLayout floats = cuda::resident_layout(
      {.rows = 100, .features = 784, .units = 196, .blocks = 132, .data_bytes = 4, .moments = 2}, kHopper);
  EXPECT_LT(floats.x_rows, 100);
  EXPECT_EQ(floats.x_rows, floats.h_rows);
  EXPECT_LE(floats.bytes, kHopper);
  EXPECT_GT(cuda::resident_layout(
                {.rows = 100, .features = 784, .units = 4000, .blocks = 132, .data_bytes = 1, .moments = 2}, kHopper)
                .bytes,
            kHopper);
}

TEST_F(Resident, SaysByHowMuchANetworkIsTooLarge) {
  simt::set_machine({.multiprocessors = 2, .shared_memory = 64 * 1024});
  TrainingRun run = small_run();
  run.start = Model(Network::autoencoder(15, {2000}));
  const std::string message = refusal(run);
  EXPECT_THAT(message, HasSubstr("--engine resident cannot run this: it needs "));
  EXPECT_THAT(message, HasSubstr(" KiB of shared memory on each of 2 multiprocessors, this GPU has 64 KiB"));
  EXPECT_THAT(message, HasSubstr("use --engine graph"));
}

TEST_F(Resident, NeedsCooperativeLaunch) {
  simt::set_machine({.multiprocessors = 2, .cooperative_launch = false});
  EXPECT_THAT(refusal(small_run()), HasSubstr("this GPU has no cooperative launch"));
}

TEST_F(Resident, SaysWhatItDoesNotRun) {
  const auto with = [](const Network& network, const auto& change) {
    TrainingRun run = small_run();
    run.start = Model(network);
    if (network.classifier) run.data = with_labels(run.data, 3, 1);
    change(run.options);
    return refusal(run);
  };
  const auto nothing = [](TrainerOptions&) {};
  Network plain = Network::autoencoder(15, {6}), tied = plain, sparse = plain;
  tied.tied = true;
  sparse.encoder[0].kept = 2;
  sparse.encoder[0].kept_in_evaluation = 2;
  EXPECT_THAT(with(Network::autoencoder(15, {6, 4}), nothing), HasSubstr("has 4 layers: it runs one hidden layer"));
  EXPECT_THAT(with(tied, nothing), HasSubstr("tied"));
  EXPECT_THAT(with(sparse, [](TrainerOptions& o) { o.objective.sparsity = Sparsity::topk; }), HasSubstr("k largest"));
  EXPECT_THAT(with(Network::classifying({}, 15, 3), [](TrainerOptions& o) { o.objective.sparsity = Sparsity::none; }),
              HasSubstr("classifier"));
  EXPECT_THAT(with(plain, [](TrainerOptions& o) { o.dropout = 0.5; }), HasSubstr("noise or dropout"));
  EXPECT_THAT(with(plain, [](TrainerOptions& o) { o.frozen_layers = 1; }), HasSubstr("frozen layers"));
  EXPECT_THAT(with(plain, [](TrainerOptions& o) { o.optimizer = {.kind = OptimizerKind::lbfgs}; }), HasSubstr("lbfgs"));
  EXPECT_THAT(with(Network::convolutional({{1, 5, 3, 2, 2, 1, 0}}, Activation::sigmoid, Activation::sigmoid), nothing),
              HasSubstr("convolutions"));
}

}  // namespace
}  // namespace lacuna::test
