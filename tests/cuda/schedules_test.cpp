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

constexpr Sizes kSizes[] = {{1, 1, 1}, {33, 127, 32}, {127, 33, 31}, {1000, 32, 33}, {7, 1023, 5}, {4097, 3, 4}};

class Schedules : public Emulator, public testing::WithParamInterface<OperationCase> {};

TEST_P(Schedules, GiveTheSameBits) {
  for (const Sizes& sizes : kSizes) {
    std::vector<Bits> expected;
    for (const simt::Schedule& schedule : kSchedules) {
      simt::set_schedule(schedule);
      const std::vector<Compared> results = GetParam().run(*make_backend("cuda"), sizes, GetParam().values.front());
      std::vector<Bits> bits;
      for (const Compared& result : results) bits.push_back(bits_of(result.got));
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

class RunSchedules : public Emulator {};

TEST_F(RunSchedules, GiveTheSameBits) {
  const TrainingRun run = deep_run();
  std::vector<std::vector<double>> expected;
  for (const simt::Schedule& schedule : kSchedules) {
    simt::set_schedule(schedule);
    const auto parameters = train_on(*make_backend("cuda"), run).parameters;
    if (expected.empty()) expected = parameters;
    EXPECT_EQ(parameters, expected);
  }
}

/// Queued work runs only when something waits for it, in the first or the last order that streams and events allow.
TEST_F(RunSchedules, WorkThatRunsAsLateAsItMayGivesTheSameBits) {
  const TrainingRun run = deep_run();
  const auto expected = train_on(*make_backend("cuda"), run);
  for (unsigned seed : {0u, 1u}) {
    simt::set_execution(simt::Execution::deferred, seed);
    const auto late = train_on(*make_backend("cuda"), run);
    EXPECT_EQ(late.parameters, expected.parameters);
    ASSERT_EQ(late.losses.size(), expected.losses.size());
    for (std::size_t i = 0; i < late.losses.size(); ++i) EXPECT_EQ(late.losses[i].total(), expected.losses[i].total());
  }
}

}  // namespace
}  // namespace lacuna::test
