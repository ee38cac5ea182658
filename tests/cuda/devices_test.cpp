// A run begun on one backend goes on on the other.

#include <cuda_runtime_api.h>

#include "cuda/emulator.h"
#include "parity/training_run.h"

namespace lacuna::test {
namespace {

class AcrossDevices : public Emulator {};

TEST_F(AcrossDevices, ARunGoesOnOnTheOther) {
  TrainingRun run{.start = random_model(Network::autoencoder(60, {20}), 1),
                  .data = random_dataset(130, 60, DType::u8, 2),
                  .options = {.objective = {}, .optimizer = {.learning_rate = 0.01}, .batch = 32, .seed = 5},
                  .steps = 20};
  const TrainingResult expected = train_reference(run);
  for (const bool begin_on_cpu : {true, false}) {
    const auto first = make_backend(begin_on_cpu ? "cpu" : "cuda", {.threads = 1}),
               second = make_backend(begin_on_cpu ? "cuda" : "cpu", {.threads = 1});
    Trainer begun(*first, run.start, run.data, run.options), ended(*second, run.start, run.data, run.options);
    TrainingResult joined{begun.run(11), {}};
    ended.restore(begun.state());
    for (const StepLoss& loss : ended.run(9)) joined.losses.push_back(loss);
    joined.parameters = parameters_of(ended.model());
    expect_same_training(run, joined, expected);
  }
}

/// The current device is the thread's affair, not a backend's: others may change it between any two calls.
TEST_F(AcrossDevices, TwoBackendsTakeTurns) {
  simt::set_machine({.devices = 2, .multiprocessors = 2});
  const TrainingRun run{.start = random_model(Network::autoencoder(30, {7}), 1),
                        .data = random_dataset(40, 30, DType::u8, 2),
                        .options = {.objective = {}, .optimizer = {}, .batch = 16, .seed = 5},
                        .steps = 6};
  const auto first = make_backend("cuda:0"), second = make_backend("cuda:1");
  Trainer on_first(*first, run.start, run.data, run.options), on_second(*second, run.start, run.data, run.options);
  for (int i = 0; i < 2; ++i) {
    on_first.run(3);
    on_second.run(3);
  }
  on_first.restore(on_second.state());
  EXPECT_EQ(parameters_of(on_first.model()), parameters_of(on_second.model()));
  const auto device = [](const char* purpose, Backend& backend) {
    cudaPointerAttributes attributes{};
    EXPECT_EQ(cudaPointerGetAttributes(&attributes, backend.allocate(4, purpose)->address()), cudaSuccess);
    return attributes.device;
  };
  EXPECT_EQ(device("on the first", *first), 0);
  EXPECT_EQ(device("on the second", *second), 1);
}

/// Models that are trained at once learn from one copy of the data.
TEST_F(AcrossDevices, BackendsShareWhatIsPlaced) {
  const auto first = make_backend("cuda"), second = make_backend("cuda");
  std::vector<float> data(1000, 1.0f);
  const std::int64_t bytes = 4 * static_cast<std::int64_t>(data.size());
  const auto allocations = [] { return simt::live().device_allocations; };
  const std::size_t before = allocations();
  auto on_first = first->place(data.data(), bytes, "data"), on_second = second->place(data.data(), bytes, "data");
  EXPECT_EQ(allocations(), before + 1);
  on_first.reset();
  std::vector<float> read(data.size());
  second->download(read.data(), *on_second, 0, bytes);
  EXPECT_EQ(read, data);
  on_second.reset();
  EXPECT_EQ(allocations(), before);
  // What is placed anew is read anew.
  data.assign(data.size(), 2.0f);
  on_first = first->place(data.data(), bytes, "data");
  first->download(read.data(), *on_first, 0, bytes);
  EXPECT_EQ(read, data);
}

}  // namespace
}  // namespace lacuna::test
