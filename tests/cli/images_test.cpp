#include <nlohmann/json.hpp>

#include "cli/cli_test.h"
#include "cli/png_reader.h"
#include "lacuna/model.h"
#include "lacuna/npy.h"
#include "support/image_files.h"

namespace lacuna::test {

namespace {

using ::testing::HasSubstr;
using ::testing::Not;

/// Two classes of images, 4 x 3 and 8 x 6.
class Images : public CliTest {
 protected:
  void SetUp() override {
    put("d/cat/1.png", plain_png(4, 3, 20));
    put("d/cat/2.png", plain_png(4, 3, 200));
    put("d/dog/1.png", plain_png(8, 6, 90));
  }
  void put(const std::string& name, const std::string& bytes) const {
    std::filesystem::create_directories(at(name).parent_path());
    write_text(at(name), bytes);
  }
  ProgramResult train_images(const Arguments& more) const {
    Arguments all{"train", "--data", "images:d", "--hidden", "2", "--epochs", "1", "--threads", "1", "--out", "run"};
    all.insert(all.end(), more.begin(), more.end());
    return run(all);
  }
};

TEST_F(Images, DataInfoNamesTheClasses) {
  const ProgramResult text = run({"data", "info", "images:d", "--resize", "4x3"});
  EXPECT_EQ(text.status, 0) << text.err;
  for (const char* part : {"3 of [3, 4] = 12", "uint8", "0 cat: 2", "1 dog: 1"}) EXPECT_THAT(text.out, HasSubstr(part));
  put("d/notes.txt", "text");
  const ProgramResult result = run({"data", "info", "images:d", "--resize", "2x2", "--color", "--threshold", "--json"});
  ASSERT_EQ(result.status, 0) << result.err;
  EXPECT_THAT(result.err, HasSubstr("d/notes.txt"));
  const auto json = nlohmann::json::parse(result.out);
  EXPECT_EQ(json["sample_shape"], (std::vector<int>{3, 2, 2}));
  EXPECT_EQ(json["class_names"], (std::vector<std::string>{"cat", "dog"}));
  EXPECT_EQ(json["label_counts"]["0"], 2);
  EXPECT_NEAR(json["mean"].get<double>(), 1.0 / 3, 1e-9);  // one of three is above one half
}

TEST_F(Images, ARunRemembersHowImagesArePrepared) {
  const ProgramResult result = train_images({"--resize", "4x3", "--color", "--threshold"});
  ASSERT_EQ(result.status, 0) << result.err;
  const std::string config = read_text(at("run/config.toml"));
  for (const char* line : {"resize = \"4x3\"\n", "color = true\n", "threshold = true\n"})
    EXPECT_THAT(config, HasSubstr(line));
  EXPECT_EQ(load_model(at("run").string()).sample_shape, (Shape{3, 3, 4}));
  EXPECT_EQ(read_png(at("run/input.png")).channels, 3);

  put("other/x.png", plain_png(40, 30, 77));
  const ProgramResult eval = run({"eval", "run", "--data", "images:other", "--threads", "1"});
  ASSERT_EQ(eval.status, 0) << eval.err;
  EXPECT_EQ(nlohmann::json::parse(eval.out)["rows"], 1);
  ASSERT_EQ(run({"encode", "run", "--out", "c.npy", "--threads", "1"}).status, 0);
  EXPECT_EQ(read_npy(at("c.npy").string()).view.shape, (Shape{3, 2}));
  ASSERT_EQ(run({"reconstruct", "run", "--out", "r.npy", "--threads", "1"}).status, 0);
  const ProgramResult wrong = run({"eval", "run", "--data", "npy:c.npy"});
  expect_error(wrong, 2, {"c.npy", "36"});
}

TEST_F(Images, AConfigurationFileCanSayItAll) {
  write_text(at("c.toml"), "data = \"images:d\"\nresize = \"3x3\"\ncolor = false\nthreshold = true\nhidden = [2]\n");
  const ProgramResult result = run({"train", "--config", "c.toml", "--epochs", "1", "--out", "run", "--threads", "1"});
  ASSERT_EQ(result.status, 0) << result.err;
  EXPECT_EQ(load_model(at("run").string()).sample_shape, (Shape{3, 3}));
}

TEST_F(Images, WhatCannotBeUsedIsRefusedBeforeAnythingIsWritten) {
  expect_error(train_images({}), 2, {"d/dog/1.png has 8 x 6", "d/cat/1.png has 4 x 3", "--resize"});
  expect_error(train_images({"--resize", "4"}), 2, {"--resize", "28x28"});
  expect_error(train_images({"--resize", "0x4"}), 2, {"--resize", "between 1 and"});
  expect_error(train_images({"--resize", "4x4x4"}), 2, {"--resize", "4x4"});
  expect_error(train_images({"--data", "synthetic:9", "--color"}), 2, {"color", "images:DIR"});
  expect_error(train_images({"--resize", "4x3", "--split", "test"}), 2, {"no test split"});
  put("d/dog/2.png", plain_png(4, 3, 1).substr(0, 60));
  expect_error(train_images({"--resize", "4x3"}), 2, {"d/dog/2.png", "broken PNG"});
  EXPECT_FALSE(exists("run"));
}

TEST_F(Images, ThresholdIsForOtherDataToo) {
  const ProgramResult result = run({"data", "info", "synthetic:20", "--threshold", "--json"});
  ASSERT_EQ(result.status, 0) << result.err;
  const auto json = nlohmann::json::parse(result.out);
  EXPECT_NEAR(json["mean"].get<double>(), 1.0 - json["zero_fraction"].get<double>(), 1e-12);
}

}  // namespace

}  // namespace lacuna::test
