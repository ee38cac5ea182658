#include "report/run_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "cli/program.h"
#include "lacuna/error.h"
#include "report/image.h"
#include "report/loss_chart.h"
#include "report/png.h"

namespace lacuna::report {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class RunFilesTest : public ::testing::Test {
 protected:
  void put(const std::string& name, const std::string& text) const { test::write_text(directory_.path() / name, text); }
  std::string path() const { return directory_.path(); }
  RunFiles read() const { return read_run_files(path()); }

 private:
  test::TemporaryDirectory directory_;
};

TEST_F(RunFilesTest, AnEmptyDirectoryIsNoRunAndHasNoProblems) {
  EXPECT_FALSE(is_run_directory(path()));
  EXPECT_THAT(read().problems, IsEmpty());
}

TEST_F(RunFilesTest, MetricsAreReadByColumns) {
  put("metrics.jsonl",
      "{\"epoch\":1,\"step\":5,\"loss\":2.5,\"note\":\"x\"}\n{\"epoch\":2,\"step\":10,\"loss\":1.5,\"test_accuracy\":0."
      "5}\n");
  const Metrics metrics = read().metrics;
  EXPECT_THAT(metrics.keys, ElementsAre("epoch", "step", "loss", "test_accuracy"));
  EXPECT_EQ(metrics.rows, 2u);
  EXPECT_THAT(metrics.columns.at("loss"), ElementsAre(2.5, 1.5));
  EXPECT_TRUE(std::isnan(metrics.columns.at("test_accuracy")[0]));
  EXPECT_EQ(metrics.last("test_accuracy"), 0.5);
  EXPECT_EQ(metrics.clock(), "epoch");
}

TEST_F(RunFilesTest, RowsWithinAnEpochAreCountedBySteps) {
  put("metrics.jsonl", "{\"epoch\":1,\"step\":5}\n{\"epoch\":1,\"step\":10}\n");
  EXPECT_EQ(read().metrics.clock(), "step");
}

TEST_F(RunFilesTest, ABrokenLineIsNamedAndTheOthersAreKept) {
  put("metrics.jsonl", "{\"epoch\":1,\"loss\":2}\n{\"epoch\":2,\"lo\n[3]\n{\"epoch\":3,\"loss\":1}");
  const RunFiles run = read();
  EXPECT_EQ(run.metrics.rows, 2u);
  EXPECT_THAT(run.problems, ElementsAre(HasSubstr("metrics.jsonl:2"), HasSubstr("metrics.jsonl:3")));
}

TEST_F(RunFilesTest, BrokenFilesAreProblemsAndNotFailures) {
  put("units.json", "{\"unit_means\": [0.1], \"activation_histogram\": {\"edges\": [0, 1], \"counts\": [1, 2]}}");
  put("evaluation.json", "{\"samples\": 3}");
  put("weights.png", "\x89PNG\r\n\x1a\n and then nothing");
  put("input.png", "");
  const RunFiles run = read();
  EXPECT_FALSE(run.units.has_value());
  EXPECT_FALSE(run.evaluation.has_value());
  EXPECT_THAT(run.pictures, IsEmpty());
  EXPECT_THAT(run.problems, ElementsAre(HasSubstr("units.json: 2 edges"), HasSubstr("evaluation.json"),
                                        HasSubstr("weights.png"), HasSubstr("input.png")));
}

TEST_F(RunFilesTest, AConfusionThatIsNotSquareIsRefused) {
  put("evaluation.json",
      "{\"samples\":2,\"accuracy\":1,\"per_class\":[{\"class\":\"0\",\"samples\":2,\"correct\":2,\"accuracy\":1}],"
      "\"confusion\":[[2,0]]}");
  EXPECT_FALSE(read().evaluation.has_value());
  EXPECT_THAT(read().problems, ElementsAre(HasSubstr("disagree")));
}

TEST_F(RunFilesTest, ARecipeCannotReachOutOfItsDirectory) {
  write_png(path() + "/inside.png", Image(4, 3, 1));
  put("recipe.json",
      "{\"recipe\":\"r\",\"stages\":[{\"name\":\"a\",\"run\":\"../x\"}],\"pictures\":[{\"file\":\"inside.png\"},"
      "{\"file\":\"/etc/passwd\"},{\"file\":\"a/../../b.png\"}]}");
  const Recipe recipe = read_recipe(path());
  ASSERT_EQ(recipe.pictures.size(), 1u);
  EXPECT_EQ(recipe.pictures[0].width, 4);
  EXPECT_EQ(recipe.pictures[0].height, 3);
  EXPECT_EQ(recipe.stages.at(0).run, "");
  EXPECT_EQ(recipe.problems.size(), 3u);
}

TEST_F(RunFilesTest, ARecipeThatIsNoneIsAnError) {
  put("recipe.json", "{\"title\":\"nameless\"}");
  EXPECT_THROW(read_recipe(path()), InputError);
  put("recipe.json", "[]");
  EXPECT_THROW(read_recipe(path()), InputError);
}

TEST_F(RunFilesTest, TheLossChartLeavesOutTermsThatAreZero) {
  put("metrics.jsonl", "{\"epoch\":1,\"loss\":2,\"reconstruction\":2,\"sparsity\":0,\"seconds\":1}\n");
  const Chart chart = loss_chart(read().metrics);
  ASSERT_EQ(chart.series.size(), 2u);
  EXPECT_EQ(chart.series[1].name, "Reconstruction");
  EXPECT_EQ(write_loss_svg(path()), path() + "/loss.svg");
  EXPECT_THAT(test::read_text(path() + "/loss.svg"), HasSubstr("Reconstruction 2<"));
}

}  // namespace
}  // namespace lacuna::report
