// --products batched: models that are trained at once share their products' calls, and each has the bits that it has
// alone; on the emulator, and on a device, where batches are the library's own.

#include <gtest/gtest.h>

#include "cuda/engines.h"
#include "cuda/joint_training.h"

namespace lacuna::test {
namespace {

struct Models {
  std::int64_t count, units, batch, steps;
};

class JointRuns : public testing::TestWithParam<Precision> {
 protected:
  JointRuns() { backend_with(Engine::graph); }  // prepares the emulator, where that is what runs them

  /// Of digits' size and sparse as digits are; the emulator, which takes long, has them in small.
  static std::vector<TrainingRun> runs_of(const Models& models) {
    const std::int64_t features = on_a_device() ? 784 : 60;
    std::vector<TrainingRun> runs;
    for (std::int64_t i = 0; i < models.count; ++i) {
      const auto seed = static_cast<std::uint64_t>(i);
      runs.push_back({.start = random_model(Network::autoencoder(features, {models.units}), 1 + seed),
                      .data = random_dataset(2 * models.batch + 10, features, DType::u8, 2, 0.2),
                      .options = {.objective = {}, .optimizer = {}, .batch = models.batch, .seed = 5 + seed},
                      .steps = models.steps});
    }
    return runs;
  }
  static void expect_bits_as_alone(const Models& models) {
    const std::vector<TrainingRun> runs = runs_of(models);
    expect_same_bits_alone(runs, train_together(runs, GetParam()), GetParam());
  }
};

TEST_P(JointRuns, HaveTheBitsThatTheyHaveAlone) {
  expect_bits_as_alone(on_a_device() ? Models{2, 64, 100, 30} : Models{2, 16, 20, 3});
}

TEST_P(JointRuns, HaveTheBitsThatTheyHaveAloneWhereThereAreMany) {
  expect_bits_as_alone(on_a_device() ? Models{8, 64, 100, 30} : Models{8, 16, 20, 2});
}

TEST_P(JointRuns, HaveTheBitsThatTheyHaveAloneWhereTheyAreLarge) {
  if (!on_a_device()) GTEST_SKIP() << "the emulator would take hours";
  expect_bits_as_alone({4, 500, 1200, 30});
}

INSTANTIATE_TEST_SUITE_P(Each, JointRuns, testing::Values(Precision::fp32, Precision::tf32, Precision::bf16),
                         [](const auto& instance) { return std::string(to_string(instance.param)); });

}  // namespace
}  // namespace lacuna::test
