#include <nlohmann/json.hpp>

#include "cli/cli_test.h"
#include "lacuna/model.h"

namespace lacuna::test {

namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

class Lbfgs : public CliTest {
 protected:
  ProgramResult train_lbfgs(const Arguments& more) const {
    Arguments all{"--optimizer", "lbfgs", "--data", "synthetic:80", "--hidden", "5"};
    all.insert(all.end(), more.begin(), more.end());
    return train(all);
  }
};

TEST_F(Lbfgs, AnEpochIsAnIteration) {
  const ProgramResult result = train_lbfgs({"--out", "run", "--epochs", "12"});
  ASSERT_EQ(result.status, 0) << result.err;
  const auto summary = nlohmann::json::parse(result.out);
  EXPECT_EQ(summary["status"], "complete");
  EXPECT_EQ(summary["epochs"], 12);
  EXPECT_EQ(summary["steps"], 12);
  EXPECT_GE(summary["evaluations"], 13);
  const std::string metrics = read_text(at("run/metrics.jsonl"));
  EXPECT_EQ(std::count(metrics.begin(), metrics.end(), '\n'), 12);
  // A history weighs twenty times the parameters.
  EXPECT_THAT(files_below(at("run/checkpoints")), ElementsAre("epoch-0010.safetensors", "epoch-0012.safetensors"));
  const std::string config = read_text(at("run/config.toml"));
  EXPECT_THAT(config, HasSubstr("optimizer = \"lbfgs\""));
  EXPECT_THAT(config, Not(HasSubstr("lr")));
  EXPECT_THAT(config, Not(HasSubstr("batch")));
}

TEST_F(Lbfgs, AResumedRunEndsWithTheSameBits) {
  ASSERT_EQ(train_lbfgs({"--out", "whole", "--epochs", "18"}).status, 0);
  ASSERT_EQ(train_lbfgs({"--out", "parts", "--epochs", "13"}).status, 0);
  const ProgramResult again = run({"train", "--resume", "--out", "parts", "--epochs", "18"});
  ASSERT_EQ(again.status, 0) << again.err;
  EXPECT_EQ(read_text(at("whole/model.safetensors")), read_text(at("parts/model.safetensors")));
  EXPECT_EQ(read_text(at("whole/checkpoints/epoch-0018.safetensors")),
            read_text(at("parts/checkpoints/epoch-0018.safetensors")));
}

TEST_F(Lbfgs, ARunThatConvergesIsComplete) {
  // One principal component.
  const Arguments job{"--data",         "synthetic:20", "--hidden", "1",   "--activation",        "identity",
                      "--sparsity",     "none",         "--epochs", "500", "--output-activation", "identity",
                      "--weight-decay", "0.1",          "--out",    "run"};
  const ProgramResult result = train_lbfgs(job);
  ASSERT_EQ(result.status, 0) << result.err;
  const auto summary = nlohmann::json::parse(result.out);
  EXPECT_EQ(summary["status"], "converged");
  EXPECT_LT(summary["epochs"], 500);
  EXPECT_THAT(result.err, HasSubstr("converged"));
  const ProgramResult again = run({"train", "--resume", "--out", "run"});
  ASSERT_EQ(again.status, 0) << again.err;
  const auto same = nlohmann::json::parse(again.out);
  EXPECT_EQ(same["status"], "already complete");
  EXPECT_EQ(same["epochs"], summary["epochs"]);
  EXPECT_THAT(again.err, HasSubstr("already complete"));
}

TEST_F(Lbfgs, ARunThatConvergesBeforeItsPatienceEndsIsNotStoppedEarly) {
  const ProgramResult result =
      train_lbfgs({"--data",         "synthetic:24", "--hidden",     "1",   "--activation",        "identity",
                   "--sparsity",     "none",         "--epochs",     "500", "--output-activation", "identity",
                   "--weight-decay", "0.1",          "--validation", "4",   "--patience",          "500",
                   "--out",          "run"});
  ASSERT_EQ(result.status, 0) << result.err;
  const auto summary = nlohmann::json::parse(result.out);
  ASSERT_LT(summary["epochs"], 500) << "or this test tests nothing";
  EXPECT_EQ(summary["status"], "converged");
}

TEST_F(Lbfgs, RefusesWhatItHasNoUseFor) {
  const Arguments useless[] = {{"--lr", "0.1"},        {"--lr-schedule", "cosine"}, {"--warmup", "1"},
                               {"--batch", "10"},      {"--shuffle", "off"},        {"--momentum", "0.9"},
                               {"--noise", "mask:.3"}, {"--dropout", "0.5"}};
  for (const Arguments& option : useless) {
    Arguments all{"--out", "run"};
    all.insert(all.end(), option.begin(), option.end());
    expect_error(train_lbfgs(all), 2, {"lbfgs", option[0].substr(2)});
    EXPECT_FALSE(exists("run"));
  }
}

}  // namespace
}  // namespace lacuna::test
