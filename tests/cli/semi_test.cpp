#include <nlohmann/json.hpp>

#include "cli/cli_test.h"

namespace lacuna::test {

namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;

class Semi : public CliTest {
 protected:
  ProgramResult semi(const Arguments& more) const {
    Arguments all{"semi",          "--data", "synthetic:120",     "--hidden", "12",        "--epochs", "1",
                  "--tune-epochs", "2",      "--classify-epochs", "2",        "--threads", "1"};
    all.insert(all.end(), more.begin(), more.end());
    return run(all);
  }
  void expect_refused(const Arguments& more, const std::vector<std::string>& parts) const {
    Arguments all{"--out", "bad"};
    all.insert(all.end(), more.begin(), more.end());
    expect_error(semi(all), 2, parts);
    EXPECT_FALSE(exists("bad"));
  }
};

TEST_F(Semi, ComparesThreeWaysOnTheSamplesLeftOverAndTheTestSet) {
  const ProgramResult result = semi({"--labels", "50", "--dropout", "0.2", "--noise", "mask:0.3", "--out", "run"});
  ASSERT_EQ(result.status, 0) << result.err;
  const json found = json::parse(result.out);
  ASSERT_EQ(found["tables"].size(), 1u);
  const json& rows = found["tables"][0]["rows"];
  ASSERT_EQ(rows.size(), 3u);
  for (const json& row : rows)
    for (std::size_t i : {1, 2}) EXPECT_THAT(row[i].get<std::string>(), HasSubstr("%")) << row;
  for (const char* stage : {"softmax", "tuned", "random"}) {
    const json evaluation = json::parse(read_text(at(std::string("run/") + stage + "/evaluation.json")));
    EXPECT_EQ(evaluation["rest"]["samples"], 70) << stage;
    EXPECT_EQ(evaluation["samples"], 120) << stage;
  }
  const std::string pretrain = read_text(at("run/pretrain/config.toml"));
  EXPECT_THAT(pretrain, HasSubstr("noise = \"mask:0.3\""));
  EXPECT_THAT(pretrain, HasSubstr("labels = 0"));
  EXPECT_THAT(pretrain, HasSubstr("dropout = 0\n"));
  const std::string tuned = read_text(at("run/tuned/config.toml"));
  EXPECT_THAT(tuned, HasSubstr("dropout = 0.2"));
  EXPECT_THAT(tuned, HasSubstr("labels = 50"));
  EXPECT_THAT(tuned, HasSubstr("noise = \"none\""));
  EXPECT_THAT(read_text(at("run/random/config.toml")), HasSubstr("random = true"));
  EXPECT_THAT(read_text(at("run/softmax/config.toml")), Not(HasSubstr("hidden")));
  EXPECT_TRUE(exists("run/report.html"));
}

TEST_F(Semi, SeveralSeedsDrawSeveralSetsOfLabels) {
  const ProgramResult result = semi({"--labels", "50", "--draw-labels", "--seeds", "2", "--seed", "3", "--out", "run"});
  ASSERT_EQ(result.status, 0) << result.err;
  const json found = json::parse(result.out);
  EXPECT_EQ(found["seeds"], 2);
  EXPECT_THAT(found["tables"][0]["rows"][1][2].get<std::string>(), HasSubstr(" ± "));
  EXPECT_TRUE(exists("run/seed-3/tuned/model.safetensors"));
  EXPECT_TRUE(exists("run/seed-4/tuned/model.safetensors"));
}

TEST_F(Semi, OptionsOfThePretrainingStayThere) {
  const ProgramResult result =
      semi({"--labels",   "50",          "--optimizer", "sgd",      "--momentum", "0.9",          "--lr-schedule",
            "step",       "--lr-factor", "0.5",         "--warmup", "0.5",        "--activation", "identity",
            "--sparsity", "topk",        "--k",         "4",        "--out",      "run"});
  ASSERT_EQ(result.status, 0) << result.err;
  EXPECT_THAT(read_text(at("run/pretrain/config.toml")), HasSubstr("momentum = 0.9"));
  EXPECT_THAT(read_text(at("run/tuned/config.toml")), HasSubstr("optimizer = \"adam\""));
  EXPECT_THAT(read_text(at("run/tuned/config.toml")), HasSubstr("lr-factor = 0\n"));
}

TEST_F(Semi, CheckpointsAndTestsAreAsAskedFor) {
  ASSERT_EQ(semi({"--labels", "50", "--keep-checkpoints", "3", "--test-every", "2", "--out", "run"}).status, 0);
  for (const char* stage : {"pretrain", "softmax", "tuned", "random"})
    EXPECT_THAT(read_text(at(std::string("run/") + stage + "/config.toml")), HasSubstr("keep-checkpoints = 3\n"));
  EXPECT_THAT(read_text(at("run/tuned/config.toml")), HasSubstr("test-every = 2\n"));
}

TEST_F(Semi, ACompleteOneIsResumedInNoTime) {
  ASSERT_EQ(semi({"--labels", "50", "--out", "run"}).status, 0);
  const json before = json::parse(read_text(at("run/recipe.json")));
  expect_error(semi({"--labels", "50", "--out", "run"}), 2, {"run exists", "--resume"});
  const ProgramResult again = semi({"--labels", "50", "--out", "run", "--resume"});
  ASSERT_EQ(again.status, 0) << again.err;
  EXPECT_THAT(again.err, HasSubstr("already complete"));
  EXPECT_EQ(json::parse(again.out)["tables"], before["tables"]);
  expect_error(semi({"--labels", "100", "--out", "run", "--resume"}), 2, {"another labels", "100", "50"});
}

TEST_F(Semi, WhatIsWrongIsSaidBeforeThePretraining) {
  expect_error(semi({"--out", "bad"}), 2, {"semi needs the number of samples with labels", "--labels N"});
  expect_error(semi({"--labels", "50"}), 2, {"semi needs a directory", "--out DIR"});
  expect_refused({"--labels", "55"}, {"55 labels", "10 classes"});
  expect_refused({"--labels", "500"}, {"class 0", "12 samples", "50 of each"});
  expect_refused({"--labels", "50", "--seeds", "0"}, {"--seeds"});
  expect_refused({"--labels", "50", "--tune-epochs", "x"}, {"--tune-epochs", "x"});
  expect_refused({"--labels", "50", "--force", "--resume"}, {"--force", "--resume"});
  expect_refused({"--labels", "50", "--patience", "5"}, {"--patience", "--validation"});
  expect_refused({"--labels", "50", "--random"}, {"--random", "to compare"});
  expect_refused({"--labels", "fifty"}, {"--labels", "fifty"});
  ASSERT_EQ(train({"--out", "ae"}).status, 0);
  ASSERT_EQ(run({"encode", "ae", "--out", "bare.npy"}).status, 0);
  expect_refused({"--labels", "50", "--data", "npy:bare.npy"}, {"bare.npy", "no labels"});
}

}  // namespace
}  // namespace lacuna::test
