// --products batched: models that are trained at once share their products' calls, and each has the bits that it has
// alone; on the emulator, and on a device, where batches are the library's own.

#include <gtest/gtest.h>

#include "cuda/engines.h"
#include "cuda/joint_training.h"

namespace lacuna::test {
namespace {

class JointRuns : public testing::TestWithParam<Precision> {
 protected:
  JointRuns() { backend_with(Engine::graph); }  // prepares the emulator, where that is what runs them
};

TEST_P(JointRuns, HaveTheBitsThatTheyHaveAlone) {
  expect_same_bits_alone_of(on_a_device() ? SparseRuns{2, 784, 64, 100, 30} : SparseRuns{2, 60, 16, 20, 3}, GetParam());
}

TEST_P(JointRuns, HaveTheBitsThatTheyHaveAloneWhereThereAreMany) {
  expect_same_bits_alone_of(on_a_device() ? SparseRuns{8, 784, 64, 100, 30} : SparseRuns{8, 60, 16, 20, 2}, GetParam());
}

INSTANTIATE_TEST_SUITE_P(Each, JointRuns, testing::Values(Precision::fp32, Precision::tf32, Precision::bf16),
                         [](const auto& instance) { return std::string(to_string(instance.param)); });

}  // namespace
}  // namespace lacuna::test
