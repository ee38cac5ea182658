// What a kernel computes must not depend on which thread, warp or block goes first, nor on when queued work runs: the
// same bits in every order. A race between two barriers, or a missing event, shows as other bits here.

#include <cstring>

#include "cuda/emulator.h"
#include "parity/operation_table.h"
#include "parity/training_run.h"

namespace lacuna::test {
namespace {

using Bits = std::vector<std::uint64_t>;

Bits bits_of(const std::vector<double>& values) {
  Bits bits(values.size());
  std::memcpy(bits.data(), values.data(), values.size() * sizeof(double));
  return bits;
}

const std::vector<Sizes> kSizes{{1, 1, 1}, {33, 127, 32}, {127, 33, 31}, {1000, 32, 33}, {7, 1023, 5}, {4097, 3, 4}};

class Schedules : public Emulator, public testing::WithParamInterface<OperationCase> {};

TEST_P(Schedules, GiveTheSameBits) {
  const auto backend = make_backend("cuda");
  for (const Sizes& sizes : GetParam().sizes.empty() ? kSizes : GetParam().sizes) {
    std::vector<Bits> expected;
    for (const simt::Schedule& schedule : kSchedules) {
      simt::set_schedule(schedule);
      std::vector<Bits> bits;
      for (const Compared& result : GetParam().run(*backend, sizes, GetParam().values.front()))
        bits.push_back(bits_of(result.got));
      if (expected.empty()) expected = bits;
      EXPECT_EQ(bits, expected) << sizes.rows << " x " << sizes.columns << ", schedule "
                                << static_cast<int>(schedule.order);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Each, Schedules, testing::ValuesIn(operation_table()), [](const auto& instance) {
  std::string name = instance.param.name;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
});

TrainingRun deep_run() {
  return {.start = random_model(make_network(50, {33, 9}, {31}, Activation::sigmoid, Activation::sigmoid), 1),
          .data = random_dataset(70, 50, DType::u8, 2),
          .options = {.objective = {}, .optimizer = {}, .batch = 32, .seed = 5},
          .steps = 20};
}

TrainingRun k_sparse_run() {
  Network network = make_network(50, {33}, {}, Activation::identity, Activation::identity);
  network.tied = true;
  network.encoder[0].kept = 5;
  network.encoder[0].kept_in_evaluation = 8;
  TrainerOptions options{.objective = {.sparsity = Sparsity::topk}, .optimizer = {}, .batch = 32, .seed = 5};
  options.noise = {NoiseKind::mask, 0.3};
  options.kept_at_start = 20;
  options.anneal_steps = 6;
  return {
      .start = random_model(network, 1), .data = random_dataset(70, 50, DType::u8, 2), .options = options, .steps = 9};
}

TrainingRun convolutional_run() {
  const Network network =
      Network::convolutional({{1, 8, 8, 4, 3, 2, 1}, {4, 4, 4, 6, 4, 1, 0}}, Activation::relu, Activation::sigmoid);
  return {.start = random_model(network, 1),
          .data = random_dataset(23, 64, DType::u8, 2),
          .options = {.objective = {.sparsity = Sparsity::l1}, .optimizer = {}, .batch = 10, .seed = 5},
          .steps = 6};
}

TrainingRun classifier_run() {
  const Network network = Network::classifying({{50, 33, Activation::sigmoid}}, 50, 4);
  TrainerOptions options{.objective = {}, .optimizer = {}, .batch = 32, .seed = 5};
  options.dropout = 0.5;
  return {.start = random_model(network, 1),
          .data = with_labels(random_dataset(70, 50, DType::u8, 2), 4, 3),
          .options = options,
          .steps = 9};
}

struct NamedRun {
  const char* name;
  TrainingRun run;
};

void PrintTo(const NamedRun& named, std::ostream* out) {
  *out << named.name;
}

class RunSchedules : public Emulator, public testing::WithParamInterface<NamedRun> {};

TEST_P(RunSchedules, GiveTheSameBits) {
  const TrainingRun& run = GetParam().run;
  std::vector<std::vector<double>> expected;
  for (const simt::Schedule& schedule : kSchedules) {
    simt::set_schedule(schedule);
    const auto parameters = train_on(*make_backend("cuda"), run).parameters;
    if (expected.empty()) expected = parameters;
    EXPECT_EQ(parameters, expected);
  }
}

/// Queued work runs only when something waits for it, in the first or the last order that streams and events allow.
TEST_P(RunSchedules, WorkThatRunsAsLateAsItMayGivesTheSameBits) {
  const TrainingRun& run = GetParam().run;
  const auto expected = train_on(*make_backend("cuda"), run);
  for (unsigned seed : {0u, 1u}) {
    simt::set_execution(simt::Execution::deferred, seed);
    const auto late = train_on(*make_backend("cuda"), run);
    EXPECT_EQ(late.parameters, expected.parameters);
    ASSERT_EQ(late.losses.size(), expected.losses.size());
    for (std::size_t i = 0; i < late.losses.size(); ++i) EXPECT_EQ(late.losses[i].total(), expected.losses[i].total());
  }
}

INSTANTIATE_TEST_SUITE_P(Each, RunSchedules,
                         testing::Values(NamedRun{"deep", deep_run()}, NamedRun{"k_sparse", k_sparse_run()},
                                         NamedRun{"convolutional", convolutional_run()},
                                         NamedRun{"classifier", classifier_run()}),
                         [](const auto& instance) { return instance.param.name; });

}  // namespace
}  // namespace lacuna::test
