// A training step makes no heap allocation of its own. What oneDNN does inside its calls is printed beside it.

#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>
#include <new>

#include "parity/allocation_counter.h"
#include "parity/backends.h"
#include "parity/training_run.h"

namespace lacuna::test {
namespace {

TEST(AllocationCounter, SeesEveryKind) {
  allocations::begin();
  void* a = std::malloc(10);
  a = std::realloc(a, 20);
  void* b = std::calloc(3, 4);
  void* c = std::aligned_alloc(64, 128);
  void* d = nullptr;
  const int failed = posix_memalign(&d, 64, 100);
  void* e = ::operator new(24);
  void* f = ::operator new (128, std::align_val_t{64});
  const AllocationCount count = allocations::end();
  EXPECT_EQ(failed, 0);
  EXPECT_EQ(count.own, 7);
  EXPECT_EQ(count.onednn, 0);
  for (void* memory : {a, b, c, d}) std::free(memory);
  ::operator delete(e);
  ::operator delete (f, std::align_val_t{64});
}

struct Job {
  const char* name;
  Network network;
  Optimizer optimizer;
  DType data_type;
  double density;
  Objective objective = {};
  InputNoise noise = {};
};

Network k_sparse() {
  Network network = make_network(100, {60}, {}, Activation::identity, Activation::identity);
  network.tied = true;
  network.encoder[0].kept = 5;
  network.encoder[0].kept_in_evaluation = 8;
  return network;
}

Network few_kept() {
  Network network = make_network(100, {128}, {}, Activation::identity, Activation::identity);
  network.encoder[0].kept = network.encoder[0].kept_in_evaluation = 4;
  return network;
}

std::vector<Job> jobs() {
  const auto sigmoid = Activation::sigmoid;
  const Network main = Network::autoencoder(784, {200});
  const Network deep = make_network(100, {60, 30}, {60}, sigmoid, sigmoid);
  const Optimizer nesterov{.kind = OptimizerKind::sgd, .learning_rate = 1e-3, .momentum = 0.9, .nesterov = true};
  return {{"main", main, {}, DType::u8, 0.2},
          {"main, no zeros", main, {}, DType::u8, 1.0},
          {"deep", deep, nesterov, DType::f32, 1.0},
          {"k-sparse, tied, denoising",
           k_sparse(),
           {},
           DType::u8,
           0.2,
           {.sparsity = Sparsity::topk},
           {NoiseKind::mask, 0.3}},
          {"few kept units", few_kept(), {}, DType::f32, 1.0, {.sparsity = Sparsity::topk}},
          {"convolutional",
           Network::convolutional({{1, 12, 12, 4, 3, 2, 1}, {4, 6, 6, 8, 6, 1, 0}}, Activation::relu, sigmoid),
           {},
           DType::u8,
           0.2,
           {.sparsity = Sparsity::l1}}};
}

class StepAllocations : public testing::TestWithParam<BackendFactory> {};

TEST_P(StepAllocations, AreNone) {
  constexpr std::int64_t kBatch = 50, kBatches = 60, kMeasured = 51;  // full batches, and the smaller last one
  const std::unique_ptr<Backend> backend = GetParam().make();
  for (const Job& job : jobs()) {
    SCOPED_TRACE(job.name);
    const Dataset data = random_dataset(kBatch * kBatches + 7, job.network.features(), job.data_type, 1, job.density);
    TrainerOptions options;
    options.objective = job.objective;
    options.optimizer = job.optimizer;
    options.noise = job.noise;
    options.batch = kBatch;
    Trainer trainer(*backend, random_model(job.network, 2), data, options);
    trainer.run_within_epoch(kBatches + 1);
    trainer.run_within_epoch(kBatches + 1 - kMeasured);
    allocations::begin();
    const std::int64_t steps = trainer.run_within_epoch(kMeasured);
    const AllocationCount count = allocations::end();
    EXPECT_EQ(steps, kMeasured);
    EXPECT_EQ(trainer.position().position, 0) << "the last batch was among them";
    EXPECT_EQ(count.own, 0) << "in " << steps << " steps";
    std::cout << "allocations per step (" << job.name << "): Lacuna "
              << static_cast<double>(count.own) / static_cast<double>(steps) << ", oneDNN "
              << static_cast<double>(count.onednn) / static_cast<double>(steps) << "\n";
  }
}

INSTANTIATE_TEST_SUITE_P(Each, StepAllocations, testing::ValuesIn(parity_backends()),
                         [](const auto& instance) { return instance.param.name; });

}  // namespace
}  // namespace lacuna::test
