// Large models whose products are made in one call: on a device alone, for the emulator would take hours.

#include <gtest/gtest.h>

#include "cuda/joint_training.h"

namespace lacuna::test {
namespace {

class LargeJointRuns : public testing::TestWithParam<Precision> {};

TEST_P(LargeJointRuns, HaveTheBitsThatTheyHaveAlone) {
  expect_same_bits_alone_of({4, 784, 500, 1200, 30}, GetParam());
}

INSTANTIATE_TEST_SUITE_P(Each, LargeJointRuns, testing::Values(Precision::fp32, Precision::tf32, Precision::bf16),
                         [](const auto& instance) { return std::string(to_string(instance.param)); });

}  // namespace
}  // namespace lacuna::test
