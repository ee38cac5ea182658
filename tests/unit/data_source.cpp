#include <gmock/gmock.h>

#include <cmath>
#include <cstring>

#include "data/mnist.h"
#include "data_support.h"
#include "lacuna/data.h"
#include "lacuna/npy.h"
#include "lacuna/safetensors.h"

namespace lacuna {
namespace {

using test::counting;
using test::gzip;
using test::idx_header;
using test::input_error;
using test::ScopedEnvironment;
using test::ScratchDirectory;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string error_of(const std::string& source, const DataOptions& options = {}) {
  return input_error([&] { open_dataset(source, options); });
}

std::string images(std::uint32_t count) {
  return idx_header(8, {count, 2, 3}) + counting(6 * count);
}

std::string labels(std::uint32_t count) {
  return idx_header(8, {count}) + counting(count);
}

std::vector<float> row(const Dataset& data, std::int64_t index) {
  std::vector<float> values(static_cast<std::size_t>(data.features()));
  data.copy_row(index, values.data());
  return values;
}

TEST(OpenDataset, UnknownKindsGetAHint) {
  EXPECT_THAT(error_of("mnits"), AllOf(HasSubstr("did you mean \"mnist\"?"), HasSubstr("safetensors:FILE[#TENSOR]")));
  EXPECT_THAT(error_of("syntetic:5"), HasSubstr("did you mean \"synthetic\"?"));
  EXPECT_THAT(error_of(""), HasSubstr("unknown data source \"\""));
  for (const char* source : {"idx", "idx:", "npy:", "safetensors", "mnist:", "synthetic:", "images"})
    EXPECT_THAT(error_of(source), HasSubstr("is incomplete: write "));
  EXPECT_THAT(error_of("images:photos"), HasSubstr("cannot list photos"));
  EXPECT_THAT(error_of("synthetic", {.limit = -1}), HasSubstr("limit"));
}

TEST(OpenDataset, OneFileHasNoTestSplit) {
  for (const char* source : {"idx:some/file", "npy:some/file", "safetensors:some/file"})
    EXPECT_THAT(error_of(source, {.split = Split::test}),
                AllOf(HasSubstr("some/file has no test split"), HasSubstr("--data")));
}

TEST(OpenDataset, Idx) {
  const ScratchDirectory scratch;
  const std::string image_path = scratch.write("i.gz", gzip(images(5))), label_path = scratch.write("l", labels(5));
  const Dataset plain = open_dataset("idx:" + image_path);
  EXPECT_EQ(plain.rows(), 5);
  EXPECT_EQ(plain.sample_shape(), Shape({2, 3}));
  EXPECT_TRUE(plain.labels().empty());
  const Dataset both = open_dataset("idx:" + image_path + "," + label_path, {.limit = 3});
  EXPECT_EQ(both.rows(), 3);
  EXPECT_EQ(both.dtype(), DType::u8);
  EXPECT_THAT(both.labels(), ElementsAre(0, 1, 2));
  EXPECT_EQ(row(both, 1)[2], 8.0f / 255.0f);
}

TEST(OpenDataset, IdxCountsMustAgreeWhateverTheLimit) {
  const ScratchDirectory scratch;
  const std::string source = "idx:" + scratch.write("i", images(5)) + "," + scratch.write("l", labels(4));
  for (const std::int64_t limit : {0, 2})
    EXPECT_THAT(error_of(source, {.limit = limit}),
                AllOf(HasSubstr("holds 5 images"), HasSubstr("holds 4 labels"), HasSubstr("/i "), HasSubstr("/l ")));
}

TEST(OpenDataset, IdxOfRankOneAndNamesWithCommas) {
  const ScratchDirectory scratch;
  const Dataset flat = open_dataset("idx:" + scratch.write("a,b", labels(4)));
  EXPECT_EQ(flat.rows(), 4);
  EXPECT_EQ(flat.features(), 1);
  EXPECT_THAT(error_of("idx:" + (scratch / "none")), HasSubstr("none: No such file"));
}

TEST(OpenDataset, Npy) {
  const ScratchDirectory scratch;
  const std::vector<float> values{0, 1, 2, 3, 4, 5, 6, 7};
  write_npy(scratch / "f.npy", {values.data(), DType::f32, {2, 2, 2}});
  const Dataset floats = open_dataset("npy:" + (scratch / "f.npy"), {.limit = 1});
  EXPECT_EQ(floats.rows(), 1);
  EXPECT_EQ(floats.sample_shape(), Shape({2, 2}));
  EXPECT_THAT(row(floats, 0), ElementsAre(0, 1, 2, 3));

  const std::string bytes = counting(6);
  write_npy(scratch / "u.npy", {bytes.data(), DType::u8, {6}});
  const Dataset small = open_dataset("npy:" + (scratch / "u.npy"));
  EXPECT_EQ(small.dtype(), DType::u8);
  EXPECT_EQ(small.rows(), 6);
  EXPECT_EQ(small.features(), 1);
}

TEST(OpenDataset, Float64IsRounded) {
  const ScratchDirectory scratch;
  const std::vector<double> values{0.1, -2, 1e-300, 1e300, 3, 4};
  write_npy(scratch / "d.npy", {values.data(), DType::f64, {3, 2}});
  const Dataset data = open_dataset("npy:" + (scratch / "d.npy"));
  EXPECT_EQ(data.dtype(), DType::f32);
  EXPECT_THAT(row(data, 0), ElementsAre(0.1f, -2.0f));
  EXPECT_THAT(row(data, 1), ElementsAre(0.0f, INFINITY));
  EXPECT_EQ(summarize(data).first_nonfinite, 3);
  EXPECT_EQ(summarize(open_dataset("npy:" + (scratch / "d.npy"), {.limit = 1})).first_nonfinite, -1);
}

TEST(OpenDataset, NpyThatIsNoDataSet) {
  const ScratchDirectory scratch;
  const std::int64_t values[2] = {1, 2};
  write_npy(scratch / "i64.npy", {values, DType::i64, {2, 1}});
  EXPECT_THAT(error_of("npy:" + (scratch / "i64.npy")), HasSubstr("int64 values are not supported"));
  write_npy(scratch / "i32.npy", {values, DType::i32, {2, 1}});
  EXPECT_THAT(error_of("npy:" + (scratch / "i32.npy")), HasSubstr("int32 values are not supported"));
  write_npy(scratch / "scalar.npy", {values, DType::f32, {}});
  EXPECT_THAT(error_of("npy:" + (scratch / "scalar.npy")), HasSubstr("a single value is no data set"));
  write_npy(scratch / "none.npy", {values, DType::f64, {0, 3}});
  EXPECT_THAT(error_of("npy:" + (scratch / "none.npy")), HasSubstr("there are no samples"));
  write_npy(scratch / "empty.npy", {values, DType::f64, {3, 0}});
  EXPECT_THAT(error_of("npy:" + (scratch / "empty.npy")), HasSubstr("the samples are empty"));
}

TEST(OpenDataset, Safetensors) {
  const ScratchDirectory scratch;
  const std::vector<float> values{1, 2, 3, 4, 5, 6};
  const NamedTensor bias{"bias", {values.data(), DType::f32, {3}}};
  const NamedTensor weight{"acts", {values.data(), DType::f32, {2, 3}}};
  const NamedTensor wide{"wide", {values.data(), DType::f64, {1, 3}}};
  const std::string one = scratch / "one#1.safetensors", two = scratch / "two.safetensors";
  write_safetensors(one, {bias, weight});
  write_safetensors(two, {bias, weight, wide});

  EXPECT_THAT(row(open_dataset("safetensors:" + one), 1), ElementsAre(4, 5, 6));
  EXPECT_THAT(row(open_dataset("safetensors:" + two + "#acts", {.limit = 1}), 0), ElementsAre(1, 2, 3));
  EXPECT_EQ(open_dataset("safetensors:" + one + "#bias").rows(), 3);
  EXPECT_THAT(error_of("safetensors:" + two), HasSubstr("#TENSOR with one of: acts, wide"));
  EXPECT_THAT(error_of("safetensors:" + two + "#act"), HasSubstr("did you mean \"acts\"?"));
  write_safetensors(two, {bias});
  EXPECT_THAT(error_of("safetensors:" + two), HasSubstr("no tensor [N, ...]"));
}

TEST(OpenDataset, SafetensorsOffTheBeatenPath) {
  const ScratchDirectory scratch;
  // One byte before the floats leaves them unaligned; the other tensor's type is not read at all.
  const std::string json =
      R"({"b":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"f":{"dtype":"F32","shape":[2,1],"data_offsets":[1,9]},)"
      R"("h":{"dtype":"I16","shape":[1,1],"data_offsets":[9,11]}})";
  const float values[2] = {1.5f, -2.5f};
  std::string bytes(8, '\0');
  bytes[0] = static_cast<char>(json.size());
  bytes += json + "x" + std::string(reinterpret_cast<const char*>(values), 8) + "yy";
  const std::string path = scratch.write("odd.safetensors", bytes);
  const Dataset data = open_dataset("safetensors:" + path);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(data.values()) % alignof(float), 0u);
  EXPECT_THAT(row(data, 1), ElementsAre(-2.5f));
  EXPECT_THAT(error_of("safetensors:" + path + "#h"),
              AllOf(HasSubstr("element type I16"), HasSubstr("F32, F16, BF16 or U8")));
}

TEST(OpenDataset, MnistUnderEveryName) {
  for (const char* separator : {"-", "."})
    for (const bool zipped : {false, true}) {
      const ScratchDirectory scratch;
      for (const auto& [stem, count] : {std::pair("train", 4u), std::pair("t10k", 3u)}) {
        const std::string prefix = std::string("mnist/") + stem, ending = zipped ? ".gz" : "";
        scratch.write(prefix + "-images" + separator + "idx3-ubyte" + ending,
                      zipped ? gzip(images(count)) : images(count));
        scratch.write(prefix + "-labels" + separator + "idx1-ubyte" + ending,
                      zipped ? gzip(labels(count)) : labels(count));
      }
      EXPECT_EQ(open_dataset("mnist:" + (scratch / "mnist")).rows(), 4);
      const ScopedEnvironment data("LACUNA_DATA", scratch.path().c_str());
      EXPECT_TRUE(mnist_available());
      EXPECT_EQ(open_dataset("mnist").labels().size(), 4u);
      EXPECT_EQ(open_dataset("mnist", {.split = Split::test}).rows(), 3);
    }
}

TEST(OpenDataset, MnistMissing) {
  const ScratchDirectory scratch;
  const ScopedEnvironment data("LACUNA_DATA", scratch.path().c_str());
  const ScopedEnvironment cache("XDG_CACHE_HOME", (scratch / "cache").c_str());
  EXPECT_FALSE(mnist_available());
  EXPECT_THAT(error_of("mnist"), AllOf(HasSubstr(scratch / "mnist"), HasSubstr(scratch / "cache/lacuna/mnist"),
                                       HasSubstr("`lacuna data fetch mnist`"), HasSubstr("--data synthetic")));
  scratch.write("mnist/train-images-idx3-ubyte", images(4));
  EXPECT_FALSE(mnist_available());
  EXPECT_THAT(error_of("mnist"), HasSubstr("has no train-labels-idx1-ubyte.gz"));
  EXPECT_THAT(error_of("mnist:" + (scratch / "other"), {.split = Split::test}),
              AllOf(HasSubstr("no MNIST test set"), HasSubstr(scratch / "other")));

  scratch.write("cache/lacuna/mnist/train-images-idx3-ubyte.gz", gzip(images(2)));
  scratch.write("cache/lacuna/mnist/train-labels-idx1-ubyte.gz", gzip(labels(2)));
  EXPECT_EQ(open_dataset("mnist").rows(), 2);
}

TEST(OpenDataset, MnistIsFetchedToWhereItIsLookedForFirst) {
  const ScratchDirectory scratch;
  const ScopedEnvironment cache("XDG_CACHE_HOME", (scratch / "cache").c_str());
  for (const char* unset : {static_cast<const char*>(nullptr), ""}) {
    const ScopedEnvironment data("LACUNA_DATA", unset);
    EXPECT_EQ(data::mnist_fetch_directory(), scratch / "cache/lacuna/mnist");
  }
  const ScopedEnvironment data("LACUNA_DATA", (scratch / "data").c_str());
  EXPECT_EQ(data::mnist_fetch_directory(), scratch / "data/mnist");
  const auto put = [&](std::span<const data::MnistFile> files) {
    for (const data::MnistFile& file : files) scratch.write("cache/lacuna/mnist/" + file.published_name(), "");
  };
  put(std::span(data::mnist_files()).first(3));
  EXPECT_EQ(data::mnist_fetch_directory(), scratch / "data/mnist");
  put(data::mnist_files());
  EXPECT_EQ(data::mnist_fetch_directory(), scratch / "cache/lacuna/mnist");
}

TEST(OpenDataset, CacheDirectoryFollowsTheEnvironment) {
  const ScopedEnvironment home("HOME", "/home/somebody");
  {
    const ScopedEnvironment xdg("XDG_CACHE_HOME", "/var/cache/them");
    EXPECT_EQ(mnist_cache_directory(), "/var/cache/them/lacuna/mnist");
  }
  for (const char* unusable : {static_cast<const char*>(nullptr), "", "relative"}) {
    const ScopedEnvironment xdg("XDG_CACHE_HOME", unusable);
    EXPECT_EQ(mnist_cache_directory(), "/home/somebody/.cache/lacuna/mnist");
  }
  const ScopedEnvironment xdg("XDG_CACHE_HOME", nullptr);
  const ScopedEnvironment homeless("HOME", nullptr);
  EXPECT_THAT(mnist_cache_directory(), ::testing::EndsWith("/.cache/lacuna/mnist"));
}

TEST(OpenDataset, Synthetic) {
  const Dataset data = open_dataset("synthetic:20", {.split = Split::test, .limit = 15, .seed = 3});
  EXPECT_EQ(data.rows(), 15);
  EXPECT_EQ(data.sample_shape(), Shape({28, 28}));
  const Dataset same = synthetic_digits(15, Split::test, 3);
  EXPECT_EQ(std::memcmp(data.values(), same.values(), 15 * 784), 0);
  EXPECT_EQ(open_dataset("synthetic", {.limit = 12}).rows(), 12);
  for (const char* count : {"synthetic:0", "synthetic:-5", "synthetic:5x", "synthetic:99999999999999999999"})
    EXPECT_THAT(error_of(count), HasSubstr("whole number from 1"));
  EXPECT_THAT(error_of("synthetic:9000000000000000000"), HasSubstr("do not fit into memory"));
}

}  // namespace
}  // namespace lacuna
