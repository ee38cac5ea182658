#include <nlohmann/json.hpp>

#include "cli/cli_test.h"
#include "lacuna/model.h"

namespace lacuna::test {

namespace {

using ::testing::HasSubstr;

class Config : public CliTest {
 protected:
  ProgramResult train_with(const std::string& toml, const Arguments& more = {}) {
    write_text(at("c.toml"), toml);
    Arguments all{"train", "--config", "c.toml", "--data", "synthetic:100", "--threads", "1", "--out", "run"};
    all.insert(all.end(), more.begin(), more.end());
    return run(all);
  }
};

TEST_F(Config, FileOverDefaultsAndCommandLineOverFile) {
  const ProgramResult result = train_with(
      "hidden = [12, 6]\nlr = 1\nweight-decay = 2e-4\nepochs = 1\nshuffle = false\noptimizer = 'sgd'\nmomentum = 0.5\n"
      "nesterov = true\nsparsity = \"l1\"\n",
      {"--lr", "0.01", "--momentum", "0.25"});
  ASSERT_EQ(result.status, 0) << result.err;
  const std::string written = read_text(at("run/config.toml"));
  for (const char* line : {"hidden = [12,6]\n", "lr = 0.01\n", "weight-decay = 0.0002\n", "epochs = 1\n",
                           "shuffle = \"off\"\n", "optimizer = \"sgd\"\n", "momentum = 0.25\n", "nesterov = true\n",
                           "sparsity = \"l1\"\n", "batch = 100\n", "data = \"synthetic:100\"\n"})
    EXPECT_THAT(written, HasSubstr(line));
  EXPECT_EQ(load_model(at("run").string()).network.code_units(), 6);
}

TEST_F(Config, OutCanStandThere) {
  write_text(at("c.toml"), "out = \"from-file\"\nepochs = 1\nhidden = 4\ndata = \"synthetic:50\"\nthreads = 1\n");
  EXPECT_EQ(run({"train", "--config", "c.toml"}).status, 0);
  EXPECT_TRUE(exists("from-file/model.safetensors"));
}

TEST_F(Config, WhatARunWroteGivesTheSameRunAgain) {
  ASSERT_EQ(train({"--out", "a", "--rho", "0.2", "--init", "normal:0.05", "--seed", "3"}).status, 0);
  const ProgramResult again = run({"train", "--config", "a/config.toml", "--out", "b"});
  ASSERT_EQ(again.status, 0) << again.err;
  EXPECT_EQ(read_text(at("a/model.safetensors")), read_text(at("b/model.safetensors")));
  EXPECT_EQ(read_text(at("a/config.toml")), read_text(at("b/config.toml")));
}

TEST_F(Config, TheCommandLineMakesAnotherRunOfIt) {
  const auto again = [this](const std::string& from, const Arguments& more) {
    Arguments all{"train", "--config", from + "/config.toml", "--out", "again", "--force"};
    all.insert(all.end(), more.begin(), more.end());
    const ProgramResult result = run(all);
    EXPECT_EQ(result.status, 0) << result.err;
    return read_text(at("again/config.toml"));
  };
  ASSERT_EQ(train({"--out", "sgd", "--optimizer", "sgd", "--lr", "0.001", "--momentum", "0.5", "--nesterov"}).status,
            0);
  EXPECT_THAT(again("sgd", {"--optimizer", "adam"}), HasSubstr("momentum = 0\n"));
  EXPECT_THAT(again("sgd", {"--optimizer", "lbfgs"}), HasSubstr("optimizer = \"lbfgs\"\n"));
  ASSERT_EQ(train({"--out", "lbfgs", "--optimizer", "lbfgs"}).status, 0);
  EXPECT_THAT(again("lbfgs", {"--optimizer", "adam"}), HasSubstr("optimizer = \"adam\"\n"));
  ASSERT_EQ(train({"--out", "topk", "--sparsity", "topk", "--k", "3"}).status, 0);
  EXPECT_THAT(again("topk", {"--sparsity", "kl"}), HasSubstr("sparsity = \"kl\"\n"));
  EXPECT_THAT(again("topk", {"--sparsity", "l1"}), HasSubstr("rho = "));
  EXPECT_THAT(again("sgd", {"--conv", "2:9:9", "--sparsity", "l1"}), HasSubstr("conv = \"2:9:9\"\n"));
}

TEST_F(Config, OddNamesSurviveTheRoundTrip) {
  const std::string name = "odd \"name\\\x01 \xc3\xa9.npy";
  ASSERT_EQ(train({"--out", "a"}).status, 0);
  ASSERT_EQ(run({"reconstruct", "a", "--out", name, "--threads", "1"}).status, 0);
  ASSERT_EQ(train({"--out", "b", "--data", "npy:" + name}).status, 0);
  const ProgramResult again = run({"train", "--config", "b/config.toml", "--out", "c"});
  ASSERT_EQ(again.status, 0) << again.err;
  EXPECT_EQ(read_text(at("b/model.safetensors")), read_text(at("c/model.safetensors")));
}

TEST_F(Config, NamesThatItCannotHoldAreRefused) {
  expect_error(run({"train", "--data", "npy:\xff.npy", "--out", "run"}), 2, {"--data", "\\xff.npy", "not UTF-8"});
  EXPECT_FALSE(exists("run"));
}

TEST_F(Config, UnknownKeysNameLineAndNearest) {
  expect_error(train_with("# first line\nepochs = 1\nweigth-decay = 0.1\n"), 2,
               {"c.toml:3", "unknown key \"weigth-decay\"", "did you mean \"weight-decay\"?"});
  expect_error(train_with("[section]\nepochs = 1\n"), 2, {"c.toml:1", "unknown key \"section\""});
}

TEST_F(Config, WrongTypesAreNamed) {
  expect_error(train_with("epochs = \"3\"\n"), 2, {"c.toml:1: epochs", "an integer", "a string"});
  expect_error(train_with("epochs = 1.5\n"), 2, {"c.toml:1: epochs", "an integer", "a number"});
  expect_error(train_with("lr = true\n"), 2, {"c.toml:1: lr", "a number", "true or false"});
  expect_error(train_with("loss = 3\n"), 2, {"c.toml:1: loss", "a string", "an integer"});
  expect_error(train_with("nesterov = \"on\"\n"), 2, {"c.toml:1: nesterov", "true or false", "a string"});
  expect_error(train_with("hidden = [3, \"4\"]\n"), 2, {"c.toml:1: hidden", "a list of integers", "a string"});
  expect_error(train_with("hidden = []\n"), 2, {"c.toml:1: hidden", "empty"});
  expect_error(train_with("\nepochs = { a = 1 }\n"), 2, {"c.toml:2: epochs", "an integer", "a table"});
}

TEST_F(Config, RangesAreCheckedThereToo) {
  expect_error(train_with("\nrho = 1.5\n"), 2, {"c.toml:2: rho", "between 0 and 1", "1.5"});
  expect_error(train_with("lr = nan\n"), 2, {"c.toml:1: lr", "finite"});
  expect_error(train_with("hidden = [0]\n"), 2, {"c.toml:1: hidden", "at least 1"});
}

TEST_F(Config, BrokenFilesNameTheLine) {
  expect_error(train_with("epochs = 1\nlr = = 3\n"), 2, {"c.toml:2"});
  expect_error(train_with("epochs = 1\nepochs = 2\n"), 2, {"c.toml:2"});
  expect_error(train_with(std::string("epochs = \xff\n")), 2, {"c.toml:1"});
  expect_error(run({"train", "--config", "missing.toml", "--out", "run"}), 2, {"missing.toml"});
  EXPECT_FALSE(exists("run"));
}

TEST_F(Config, OtherCommandsReadItAndTakeWhatConcernsThem) {
  ASSERT_EQ(train({"--out", "run"}).status, 0);
  write_text(at("c.toml"), "data = \"synthetic:40\"\nhidden = [99]\nthreads = 1\n");
  const ProgramResult result = run({"eval", "run", "--config", "c.toml"});
  ASSERT_EQ(result.status, 0) << result.err;
  EXPECT_EQ(nlohmann::json::parse(result.out)["rows"], 40);
}

}  // namespace

}  // namespace lacuna::test
