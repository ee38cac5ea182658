#include <gtest/gtest.h>

#include "train/memory.h"

namespace lacuna {
namespace {

TEST(TrainingMemory, CountsTheSmallerBatchThatEndsAnEpoch) {
  const Network network = Network::autoencoder(784, {200});
  const Optimizer adam;
  const double whole = training_bytes(network, adam, 100, 1000), with_last = training_bytes(network, adam, 100, 1040);
  EXPECT_GT(with_last, whole);
  EXPECT_EQ(with_last, training_bytes(network, adam, 140, 1400));
  // A batch larger than the data set is the data set.
  EXPECT_EQ(training_bytes(network, adam, 5000, 1000), training_bytes(network, adam, 1000, 1000));
}

TEST(TrainingMemory, OfAnotherDeviceIsNotAskedOfThisMachine) {
  const Network network = Network::autoencoder(784, {200});
  EXPECT_LT(host_bytes(network, {}), training_bytes(network, {}, 1, 1));
}

}  // namespace
}  // namespace lacuna
