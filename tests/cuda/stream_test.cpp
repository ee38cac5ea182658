// Samples streamed to the device: the same bits as from memory, in every order of execution that streams and events
// allow; and what it costs the host.

#include <unistd.h>

#include <filesystem>

#include "cuda/emulator.h"
#include "cuda_feed.h"
#include "lacuna/npy.h"
#include "parity/training_run.h"

namespace lacuna::test {
namespace {

class Streams : public Emulator {
 protected:
  static constexpr std::int64_t kRows = 130, kColumns = 6;

  Streams() : path_(std::filesystem::temp_directory_path() / ("lacuna-stream-" + std::to_string(::getpid()) + ".npy")) {
    const Dataset drawn = random_dataset(kRows, kColumns, DType::f32, 1);
    write_npy(path_, ConstTensorView(drawn.values(), DType::f32, {kRows, kColumns}));
    const Dataset labelled = with_labels(drawn, 3, 2);
    labels_.assign(labelled.labels().begin(), labelled.labels().end());
  }
  ~Streams() override { std::filesystem::remove(path_); }

  Dataset in_memory() const { return open_dataset("npy:" + path_.string()).with_labels(labels_); }
  Dataset streamed(std::int64_t window) const {
    return open_dataset("npy:" + path_.string(), {.stream = Streaming::on, .window = {.samples = window}})
        .with_labels(labels_);
  }
  static Model classifier() {
    return random_model(Network::classifying({{kColumns, 4, Activation::sigmoid}}, kColumns, 3), 3);
  }
  static TrainerOptions options(bool shuffle) {
    TrainerOptions some;
    some.batch = 8;
    some.shuffle = shuffle;
    return some;
  }
  static std::vector<float> train(const Dataset& data, bool shuffle) {
    const auto backend = make_backend("cuda");
    Trainer trainer(*backend, classifier(), data, options(shuffle));
    trainer.run(40);
    return trainer.model().parameters;
  }

  std::filesystem::path path_;
  std::vector<std::int32_t> labels_;
};

TEST_F(Streams, GiveTheBitsOfMemoryWheneverQueuedWorkRuns) {
  const std::vector<float> rows = train(in_memory(), false), shuffled = train(in_memory(), true);
  for (const auto& [execution, seed] :
       {std::pair{simt::Execution::immediate, 0u}, {simt::Execution::deferred, 0u}, {simt::Execution::deferred, 1u}}) {
    simt::set_execution(execution, seed);
    EXPECT_EQ(train(streamed(16), false), rows) << "seed " << seed;
    EXPECT_EQ(train(streamed(kRows), true), shuffled) << "seed " << seed;
  }
}

TEST_F(Streams, AreEvaluatedAsMemoryIs) {
  const auto backend = make_backend("cuda");
  const Model model = random_model(Network::autoencoder(kColumns, {4}), 3);
  const Evaluation expected = Evaluator(*backend, model, in_memory(), 20).evaluate({});
  for (unsigned seed : {0u, 1u}) {
    simt::set_execution(simt::Execution::deferred, seed);
    Evaluator evaluator(*backend, model, streamed(16), 20);
    EXPECT_EQ(evaluator.loss({}).total(), expected.loss.total());
    EXPECT_EQ(evaluator.loss({}).total(), expected.loss.total());
    EXPECT_EQ(evaluator.evaluate({}).explained_variance.value(), expected.explained_variance.value());
  }
}

/// A window is copied from pinned memory, its labels beside it; the host waits when staging memory is to be used again,
/// not for steps.
TEST_F(Streams, CopyOutOfPinnedMemoryAndAllocateNothing) {
  const auto backend = make_backend("cuda");
  Trainer trainer(*backend, classifier(), streamed(40), options(false));
  trainer.run(34);
  simt::reset_counters();
  trainer.run(17);  // an epoch: four windows, the last batch smaller
  const simt::Counters& counters = simt::counters();
  EXPECT_EQ(counters.graph_launches, 8u) << "graphs of 4 steps and of 1: 4 + 1, three times, and 1 + 1";
  EXPECT_EQ(counters.pageable_copies, 1u) << "where the epoch begins";
  EXPECT_EQ(counters.allocations + counters.pinned_allocations + counters.frees + counters.pinned_frees, 0u);
  EXPECT_GE(counters.copies_h2d, 2u);
}

TEST_F(Streams, CopyBesideStepsThatDoNotReadThere) {
  simt::set_execution(simt::Execution::deferred, 0);
  const cuda::Stream work;
  cuda::CudaFeed feed(64, "a feed", "", work.get());
  const cuda::DeviceMemory result(64, "what a step writes");
  const std::int64_t before = feed.mark();
  LACUNA_CUDA(cudaMemsetAsync(result.get(), 0, 64, work.get()));
  const cuda::Event step;
  step.record(work.get());
  feed.send(0, 64, before);
  feed.wait_sent();
  EXPECT_EQ(cudaEventQuery(step.get()), cudaErrorNotReady) << "the copy has waited for it";
  cudaGetLastError();
  feed.send(0, 64, feed.mark());
  feed.wait_sent();
  EXPECT_EQ(cudaEventQuery(step.get()), cudaSuccess) << "the copy has not waited for it";
}

TEST_F(Streams, KnowTheMemoryOfTheDevice) {
  EXPECT_EQ(make_backend("cuda")->memory_bytes(), std::int64_t{4} << 30);
  EXPECT_EQ(make_backend("cpu")->memory_bytes(), 0);
}

}  // namespace
}  // namespace lacuna::test
