#include <cmath>
#include <nlohmann/json.hpp>

#include "cli/cli_test.h"

namespace lacuna::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

using Report = CliTest;

TEST_F(Report, ARunGetsItsCurvesItsUnitsAndAPage) {
  ASSERT_EQ(train({"--out", "run"}).status, 0);
  EXPECT_THAT(read_text(at("run/loss.svg")), HasSubstr("Weight decay"));
  const auto units = nlohmann::json::parse(read_text(at("run/units.json")));
  EXPECT_EQ(units["rho"], 0.1);
  ASSERT_THAT(units["unit_means"], SizeIs(16));
  ASSERT_THAT(units["activation_histogram"]["counts"], SizeIs(50));
  ASSERT_THAT(units["activation_histogram"]["edges"], SizeIs(51));
  double activations = 0, mean = 0;
  for (const double count : units["activation_histogram"]["counts"]) activations += count;
  EXPECT_EQ(activations, 300 * 16);
  for (const double unit : units["unit_means"]) mean += unit / 16;
  const auto eval = nlohmann::json::parse(run({"eval", "run"}).out);
  EXPECT_NEAR(mean, eval["mean_activation"], 1e-6);

  const ProgramResult result = run({"report", "run/"});
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_EQ(result.out, "");
  EXPECT_THAT(read_text(at("run/report.html")), HasSubstr("data:image/png;base64,"));
}

TEST_F(Report, UnitsOfAReluCodeHaveAHistogramOfWhatOccurs) {
  ASSERT_EQ(train({"--out", "run", "--activation", "relu", "--sparsity", "l1"}).status, 0);
  const auto units = nlohmann::json::parse(read_text(at("run/units.json")));
  EXPECT_TRUE(units["rho"].is_null());
  EXPECT_NE(units["activation_histogram"]["edges"].back(), 1.0);
  EXPECT_GT(units["activation_histogram"]["counts"].back(), 0) << "the largest activation is within the last bin";
}

TEST_F(Report, AResumedRunDrawsAllItsEpochs) {
  ASSERT_EQ(train({"--out", "run"}).status, 0);
  const std::string before = read_text(at("run/loss.svg"));
  ASSERT_EQ(run({"train", "--out", "run", "--resume", "--epochs", "4"}).status, 0);
  EXPECT_THAT(before, Not(HasSubstr("epoch 4:")));
  EXPECT_THAT(read_text(at("run/loss.svg")), HasSubstr("epoch 4:"));
}

TEST_F(Report, ARunStartedAfreshLosesThePageOfTheOld) {
  ASSERT_EQ(train({"--out", "run", "--tensorboard"}).status, 0);
  ASSERT_EQ(run({"report", "run"}).status, 0);
  ASSERT_EQ(train({"--out", "run", "--force"}).status, 0);
  EXPECT_FALSE(exists("run/report.html"));
  EXPECT_FALSE(exists("run/tensorboard"));
}

TEST_F(Report, ResumingAddsAnEventFile) {
  ASSERT_EQ(train({"--out", "run"}).status, 0);
  EXPECT_FALSE(exists("run/tensorboard"));
  ASSERT_EQ(run({"train", "--out", "run", "--resume", "--epochs", "3", "--tensorboard"}).status, 0);
  EXPECT_THAT(files_below(at("run/tensorboard")), SizeIs(1));
  ASSERT_EQ(run({"train", "--out", "run", "--resume", "--epochs", "4"}).status, 0) << "config.toml remembers it";
  EXPECT_THAT(files_below(at("run/tensorboard")), SizeIs(2));
}

TEST_F(Report, WhatIsNoRunIsNamed) {
  write_text(at("file"), "x");
  std::filesystem::create_directory(at("empty"));
  std::filesystem::create_directory(at("recipe"));
  write_text(at("recipe/recipe.json"), "{");
  expect_error(run({"report"}), 2, {"run is missing", "report RUN..."});
  expect_error(run({"report", "nowhere"}), 2, {"nowhere", "not a directory"});
  expect_error(run({"report", "file"}), 2, {"file", "not a directory"});
  expect_error(run({"report", "empty"}), 2, {"empty", "not a run directory", "metrics.jsonl"});
  expect_error(run({"report", "recipe"}), 2, {"recipe/recipe.json", "not a JSON object"});
  EXPECT_THAT(files_below(at("empty")), ElementsAre());
}

TEST_F(Report, SeveralRunsNeedAPlaceAndARecipeItsOwnPage) {
  for (const char* name : {"a", "b", "r"}) std::filesystem::create_directory(at(name));
  write_text(at("a/metrics.jsonl"), "{\"epoch\":1,\"loss\":2}\n");
  write_text(at("b/metrics.jsonl"), "");
  write_text(at("r/recipe.json"), "{\"recipe\":\"x\"}");
  expect_error(run({"report", "a", "b"}), 2, {"--out FILE.html"});
  expect_error(run({"report", "a", "r", "--out", "p.html"}), 2, {"r holds a recipe"});
  expect_error(run({"report", "a", "b", "--out", "no/p.html"}), 2, {"no/p.html"});
  EXPECT_EQ(run({"report", "a", "b", "--out", "p.html"}).status, 0);
  EXPECT_THAT(read_text(at("p.html")), HasSubstr("2 runs side by side"));
}

TEST_F(Report, APageThatCannotBeWrittenLeavesTheOldOne) {
  std::filesystem::create_directory(at("a"));
  write_text(at("a/metrics.jsonl"), "{\"epoch\":1,\"loss\":2}\n");
  write_text(at("a/report.html"), "old");
  ProgramOptions small;
  small.largest_file = 4096;
  expect_error(run({"report", "a"}, small), 1, {"report.html"});
  EXPECT_EQ(read_text(at("a/report.html")), "old");
  EXPECT_THAT(files_below(at("a")), ElementsAre("metrics.jsonl", "report.html"));
}

}  // namespace
}  // namespace lacuna::test
