// What can go wrong with a device: each a clear line of the right kind, and nothing left over.

#include <filesystem>

#include "cuda/emulator.h"
#include "gmock/gmock.h"
#include "lacuna/error.h"
#include "parity/training_run.h"
#include "train/run.h"
#include "train/run_directory.h"
#include "unit/io_support.h"

namespace lacuna::test {
namespace {

using testing::HasSubstr;

class Failures : public Emulator {};

template <class E, class F>
std::string message_of(const F& f) {
  try {
    f();
  } catch (const E& error) {
    EXPECT_EQ(typeid(error), typeid(E)) << error.what();
    return error.what();
  }
  ADD_FAILURE() << "nothing was thrown";
  return "";
}

std::string backend_refused(const std::string& device = "cuda") {
  return message_of<InputError>([&] { make_backend(device); });
}

TEST_F(Failures, NoDriver) {
  simt::set_machine({.driver_version = 0});
  EXPECT_THAT(backend_refused(), HasSubstr("no NVIDIA driver is installed"));
  EXPECT_THAT(list_devices().missing.at(0), HasSubstr("no NVIDIA driver"));
  EXPECT_EQ(make_backend("auto")->describe().kind, "cpu");
}

TEST_F(Failures, DriverTooOld) {
  simt::set_machine({.driver_version = 12020});
  const std::string message = backend_refused();
  EXPECT_THAT(message, HasSubstr("driver is too old: it supports CUDA 12.2, this build needs 13."));
}

TEST_F(Failures, NoGpu) {
  simt::set_machine({.devices = 0});
  EXPECT_THAT(backend_refused(), HasSubstr("finds no GPU"));
}

TEST_F(Failures, NoSuchIndex) {
  EXPECT_THAT(backend_refused("cuda:1"), HasSubstr("--device cuda:1: there is only 1 GPU"));
  simt::set_machine({.devices = 2});
  EXPECT_THAT(backend_refused("cuda:2"), HasSubstr("there are only 2 GPUs"));
  EXPECT_EQ(make_backend("cuda:1")->describe().kind, "cuda");
}

TEST_F(Failures, NoKernelsForTheArchitecture) {
  simt::set_machine({.has_kernel_image = false});
  const std::string message = backend_refused();
  EXPECT_THAT(message, HasSubstr("this build has no kernels for"));
  EXPECT_THAT(message, HasSubstr("compute capability 9.0"));
  EXPECT_THAT(message, HasSubstr("CMAKE_CUDA_ARCHITECTURES=90"));
}

TEST_F(Failures, DevicesAreListed) {
  simt::set_machine({.devices = 2});
  const DeviceList list = list_devices();
  ASSERT_EQ(list.devices.size(), 3u);
  EXPECT_EQ(list.devices[1].kind, "cuda");
  std::vector<std::string> names;
  for (const auto& [name, value] : list.devices[1].properties) names.push_back(name);
  EXPECT_THAT(names, testing::IsSupersetOf({"compute capability", "memory", "driver"}));
  EXPECT_TRUE(list.missing.empty());
}

struct Job {
  Dataset data = random_dataset(4000, 100, DType::u8, 1);
  Model start = random_model(Network::autoencoder(100, {30}), 2);
  TrainerOptions options;
};

TEST_F(Failures, OutOfMemorySuggestsABatchThatFits) {
  simt::set_machine({.device_memory = std::size_t{36} << 20});  // 32 MiB of them are cuBLAS's workspace
  const auto backend = make_backend("cuda");
  Job job;
  job.options.batch = 4000;
  const std::string message = message_of<MemoryError>([&] { Trainer(*backend, job.start, job.data, job.options); });
  EXPECT_THAT(message, HasSubstr("out of GPU memory: "));
  EXPECT_THAT(message, HasSubstr("MiB needed for activations of"));
  EXPECT_THAT(message, HasSubstr("free of 36.0 MiB"));
  const std::size_t at = message.find("--batch of ");
  ASSERT_NE(at, std::string::npos) << message;
  job.options.batch = std::stoll(message.substr(at + 11));
  EXPECT_GE(job.options.batch, 400);
  Trainer trainer(*backend, job.start, job.data, job.options);
  EXPECT_EQ(trainer.run(1).size(), 1u);
}

/// In bf16 there are copies of weights too, and a smaller batch does not make them smaller. Here those of the two plans
/// are half of what is left for plans.
TEST_F(Failures, OutOfMemorySuggestsABatchThatLeavesRoomForCopiesOfWeights) {
  simt::set_machine({.device_memory = (std::size_t{32} << 20) + 10'000'000});
  const auto backend = make_backend("cuda", {.precision = Precision::bf16});
  Job job;
  job.data = random_dataset(4001, 100, DType::u8, 1);  // a prime: whatever the batch, there are two plans
  job.start = random_model(Network::autoencoder(100, {2000}), 2);
  job.options.batch = 4000;
  const std::string message = message_of<MemoryError>([&] { Trainer(*backend, job.start, job.data, job.options); });
  const std::size_t at = message.find("--batch of ");
  ASSERT_NE(at, std::string::npos) << message;
  job.options.batch = std::stoll(message.substr(at + 11));
  Trainer trainer(*backend, job.start, job.data, job.options);
  EXPECT_EQ(trainer.run(1).size(), 1u);
}

TEST_F(Failures, DataBeyondTheMemorySaySo) {
  simt::set_machine({.device_memory = std::size_t{33} << 20});
  const auto backend = make_backend("cuda");
  const std::string message =
      message_of<MemoryError>([&] { backend->allocate(std::int64_t{2} << 30, "the data set"); });
  EXPECT_THAT(message, HasSubstr("2.0 GiB needed for the data set"));
  EXPECT_THAT(message, HasSubstr("--limit"));
}

/// Whichever allocation fails while a trainer is made, the error is clear and nothing is kept.
TEST_F(Failures, EveryAllocationMayFail) {
  int failures = 0;
  for (std::uint64_t nth = 1; nth < 40; ++nth) {
    simt::reset();
    simt::set_machine(kSmall);
    simt::fail_allocation(nth);
    try {
      const auto backend = make_backend("cuda");
      Job job;
      Trainer trainer(*backend, job.start, job.data, job.options);
    } catch (const Error&) {
      ++failures;
    }
    EXPECT_TRUE(simt::live().nothing()) << "after allocation " << nth << " failed";
  }
  EXPECT_GT(failures, 8);
}

/// Whoever gives up between a readback's beginning and its end, because a loss diverged, leaves a copy under way.
TEST_F(Failures, AReadbackThatNobodyWaitedFor) {
  simt::set_execution(simt::Execution::deferred);
  const auto backend = make_backend("cuda");
  const auto buffer = backend->allocate(64, "something");
  auto readback = backend->readback({buffer.get()});
  readback->begin();
  simt::reset_counters();
  readback.reset();
  EXPECT_EQ(simt::counters().synchronisations, 1u);
}

class Silent : public RunObserver {
 public:
  void on_progress(const RunProgress&) override {}
  void on_epoch(const EpochMetrics&, const RunProgress&) override {}
};

TEST_F(Failures, ADeviceLostInMidRunLeavesTheLastCheckpoint) {
  const TemporaryDirectory place;
  Job job;
  const RunDirectory directory(place / "run");
  {
    RunDirectory owner(place / "run");
    owner.open();
    const auto backend = make_backend("cuda");
    Trainer trainer(*backend, job.start, job.data, job.options);
    simt::lose_device_after_work(1000);
    Silent observer;
    const std::string message = message_of<Error>([&] {
      run_training(trainer, owner, {.epochs = 1000, .samples = job.data.rows()}, observer, std::atomic<bool>{false});
    });
    EXPECT_THAT(message, HasSubstr("cudaErrorLaunchFailure"));
    EXPECT_THAT(message, HasSubstr("--resume"));
  }
  simt::reset();
  const auto checkpoints = directory.checkpoints();
  ASSERT_FALSE(checkpoints.empty());
  const TrainingState state = load_checkpoint(checkpoints.back().path);
  const auto backend = make_backend("cuda");
  Trainer trainer(*backend, job.start, job.data, job.options);
  trainer.restore(state);
  EXPECT_EQ(trainer.run(3).size(), 3u);
}

}  // namespace
}  // namespace lacuna::test
