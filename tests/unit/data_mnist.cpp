#include <gmock/gmock.h>
#include <sys/resource.h>

#include <cstring>

#include "data/fetch.h"
#include "data/info.h"
#include "data_support.h"
#include "lacuna/data.h"

// Registered only where LACUNA_DATA holds MNIST.
namespace lacuna {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

const std::string kDirectory = LACUNA_DATA_DIR "/mnist";

TEST(Mnist, TrainingSet) {
  const Dataset data = open_dataset("mnist:" + kDirectory);
  const data::DataInfo info = data::describe(data);
  EXPECT_EQ(info.rows, 60000);
  EXPECT_EQ(info.sample_shape, Shape({28, 28}));
  EXPECT_NEAR(info.values.mean, 0.1306605, 1e-6);
  EXPECT_EQ(info.values.maximum, 1.0);
  EXPECT_THAT(info.label_counts,
              ElementsAre(Pair(0, 5923), Pair(1, 6742), Pair(2, 5958), Pair(3, 6131), Pair(4, 5842), Pair(5, 5421),
                          Pair(6, 5918), Pair(7, 6265), Pair(8, 5851), Pair(9, 5949)));
  EXPECT_THAT(data.labels().first(5), ElementsAre(5, 0, 4, 1, 9));
}

TEST(Mnist, TestSetFoundThroughTheEnvironment) {
  const test::ScopedEnvironment data("LACUNA_DATA", LACUNA_DATA_DIR);
  EXPECT_TRUE(mnist_available(Split::train));
  EXPECT_TRUE(mnist_available(Split::test));
  const Dataset set = open_dataset("mnist", {.split = Split::test});
  EXPECT_EQ(set.rows(), 10000);
  EXPECT_NEAR(summarize(set).mean, 0.1325147, 1e-6);
  EXPECT_THAT(set.labels().first(5), ElementsAre(7, 2, 1, 0, 4));
}

TEST(Mnist, LimitGivesTheFirstImages) {
  const Dataset all = open_dataset("mnist:" + kDirectory, {.split = Split::test});
  const Dataset some = open_dataset("mnist:" + kDirectory, {.split = Split::test, .limit = 100});
  EXPECT_EQ(some.rows(), 100);
  EXPECT_EQ(std::memcmp(all.values(), some.values(), 100 * 784), 0);
}

TEST(Mnist, FilesHaveTheirDigests) {
  data::FetchOptions offline;
  offline.mirrors = {"file:///nowhere"};
  EXPECT_THAT(data::fetch_mnist(kDirectory, offline), HasSubstr("0 files fetched and checked, 4 already there"));
}

TEST(Mnist, FetchesFromAMirror) {
  const test::ScratchDirectory scratch;
  data::FetchOptions options;
  options.mirrors = {"file://" + kDirectory};
  EXPECT_THAT(data::fetch_mnist(scratch.path(), options), HasSubstr("4 files fetched"));
  EXPECT_EQ(open_dataset("mnist:" + scratch.path(), {.split = Split::test}).rows(), 10000);
}

#ifndef __SANITIZE_ADDRESS__
TEST(Mnist, IsNeverInMemoryTwice) {
  const auto peak_bytes = [] {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    return static_cast<std::int64_t>(usage.ru_maxrss) * 1024;
  };
  const std::int64_t before = peak_bytes();
  const Dataset data = open_dataset("mnist:" + kDirectory);
  EXPECT_LE(peak_bytes() - before, data.bytes() + (std::int64_t{4} << 20));
}
#endif

}  // namespace
}  // namespace lacuna
