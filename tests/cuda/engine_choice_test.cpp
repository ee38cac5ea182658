// --engine auto: measured on copies, the same for all batches, and graph where the resident engine cannot.

#include "cuda/emulator.h"
#include "gmock/gmock.h"
#include "lacuna/error.h"
#include "parity/training_run.h"

namespace lacuna::test {
namespace {

using testing::HasSubstr;

class EngineChoice : public Emulator {
 protected:
  ~EngineChoice() override { cuda::set_step_meter({}); }

  /// Batches of 10, 10 and 3.
  const TrainingRun run_{.start = random_model(Network::autoencoder(9, {4}), 1, 2.0),
                         .data = random_dataset(23, 9, DType::u8, 2),
                         .options = {.objective = {}, .optimizer = {.learning_rate = 0.01}, .batch = 10, .seed = 5},
                         .steps = 4};

  static void prefer(Engine faster) {
    cuda::set_step_meter([=](Engine engine, const auto&) { return engine == faster ? 8e-6 : 9e-6; });
  }
};

TEST_F(EngineChoice, IsTheFasterOne) {
  for (const Engine faster : {Engine::graph, Engine::resident}) {
    prefer(faster);
    const auto backend = make_backend("cuda");
    Trainer trainer(*backend, run_.start, run_.data, run_.options);
    EXPECT_EQ(trainer.engine(), faster);
    EXPECT_THAT(trainer.remarks().at(0), HasSubstr(std::string("engine ") + to_string(faster) + " by measurement"));
    trainer.run(run_.steps);
    const auto asked_for = make_backend("cuda", {.engine = faster});
    EXPECT_EQ(parameters_of(trainer.model()), train_on(*asked_for, run_).parameters);
    EXPECT_EQ(Trainer(*asked_for, run_.start, run_.data, run_.options).engine(), Engine::automatic);
  }
}

TEST_F(EngineChoice, IsTheFasterOneOnTensorCoresToo) {
  prefer(Engine::resident);
  const auto backend = make_backend("cuda", {.precision = Precision::bf16});
  EXPECT_EQ(Trainer(*backend, run_.start, run_.data, run_.options).engine(), Engine::resident);
}

/// A tenth faster, or what was the faster one once would not be so the next time.
TEST_F(EngineChoice, IsGraphNearATie) {
  cuda::set_step_meter([](Engine engine, const auto&) { return engine == Engine::resident ? 0.95 : 1.0; });
  const auto backend = make_backend("cuda");
  EXPECT_EQ(Trainer(*backend, run_.start, run_.data, run_.options).engine(), Engine::graph);
}

TEST_F(EngineChoice, IsMadeOnceForAllBatches) {
  int asked = 0;
  cuda::set_step_meter([&asked](Engine, const auto&) { return ++asked; });
  const auto backend = make_backend("cuda");
  for (int i = 0; i < 2; ++i) Trainer(*backend, run_.start, run_.data, run_.options);
  EXPECT_EQ(asked, 2);
}

/// Measured for good here, whatever the clock may say: nothing that a run begins with has changed afterwards.
TEST_F(EngineChoice, LeavesNoTraceOfItsMeasurements) {
  std::vector<double> seconds;
  cuda::set_step_meter([&](Engine, const auto& measure) { return seconds.emplace_back(measure()); });
  const auto backend = make_backend("cuda");
  Trainer trainer(*backend, run_.start, run_.data, run_.options);
  ASSERT_EQ(seconds.size(), 2u);
  for (const double s : seconds) EXPECT_GT(s, 0.0);
  EXPECT_EQ(parameters_of(trainer.state().model), parameters_of(run_.start));
  for (const auto& moment : trainer.state().moments) EXPECT_THAT(moment, testing::Each(0.0f));
  trainer.run(run_.steps);
  EXPECT_EQ(parameters_of(trainer.model()),
            train_on(*make_backend("cuda", {.engine = trainer.engine()}), run_).parameters);
}

/// 20 MiB of parameters and moments fit once.
TEST_F(EngineChoice, IsGraphWhereThereIsNoMemoryToMeasureIn) {
  simt::set_machine({.device_memory = std::size_t{100} << 20, .multiprocessors = 100});
  cuda::set_step_meter([](Engine engine, const auto& measure) { return engine == Engine::graph ? 1.0 : measure(); });
  const auto backend = make_backend("cuda");
  TrainingRun large = run_;
  large.start = Model(Network::autoencoder(1000, {600}));
  large.data = random_dataset(10, 1000, DType::u8, 2);
  const auto rest = backend->allocate(std::int64_t{40} << 20, "something else");
  Trainer trainer(*backend, large.start, large.data, large.options);
  EXPECT_EQ(trainer.engine(), Engine::graph);
}

TEST_F(EngineChoice, IsGraphWhereTheOtherCannot) {
  prefer(Engine::resident);
  const auto backend = make_backend("cuda");
  const Model deep = random_model(Network::autoencoder(9, {4, 3}), 1);
  Trainer trainer(*backend, deep, run_.data, run_.options);
  EXPECT_EQ(trainer.engine(), Engine::automatic);
  EXPECT_THAT(trainer.remarks().at(0),
              HasSubstr("engine graph: the resident engine cannot run this: the network has 4"));
  simt::set_machine({.multiprocessors = 2, .shared_memory = 2 * 1024});
  const auto small = make_backend("cuda");
  EXPECT_THAT(Trainer(*small, run_.start, run_.data, run_.options).remarks().at(0),
              HasSubstr("KiB of shared memory on each of 2 multiprocessors, this GPU has 2 KiB"));
}

}  // namespace
}  // namespace lacuna::test
