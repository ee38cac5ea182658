#include <signal.h>
#include <sys/stat.h>

#include <chrono>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "cli/cli_test.h"
#include "lacuna/npy.h"

namespace lacuna::test {

namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class Sweep : public CliTest {
 protected:
  ProgramResult sweep(const Arguments& more, const ProgramOptions& options = {}) const {
    Arguments all{"sweep", "--data", "synthetic:120", "--hidden", "8", "--epochs", "1", "--batch", "50"};
    all.insert(all.end(), more.begin(), more.end());
    return run(all, options);
  }
  void expect_refused(const Arguments& more, const std::vector<std::string>& parts) const {
    Arguments all{"--out", "bad"};
    all.insert(all.end(), more.begin(), more.end());
    expect_error(sweep(all), 2, parts);
    EXPECT_FALSE(exists("bad"));
  }
  json results(const std::string& out) const { return json::parse(read_text(at(out + "/sweep.json"))); }
  /// Of every cell, in the order of sweep.json.
  std::vector<std::string> of_cells(const std::string& out, const char* key) const {
    std::vector<std::string> values;
    const json found = results(out);
    for (const json& cell : found["cells"]) values.push_back(cell.at(key).get<std::string>());
    return values;
  }
  void expect_same_model(const std::string& a, const std::string& b) const {
    ASSERT_TRUE(exists(a + "/model.safetensors") && exists(b + "/model.safetensors")) << a << ", " << b;
    EXPECT_EQ(read_text(at(a + "/model.safetensors")), read_text(at(b + "/model.safetensors"))) << a << ", " << b;
  }
};

TEST_F(Sweep, EachModelHasTheBitsThatItHasAlone) {
  const ProgramResult all = sweep({"--grid", "rho=0.05,0.2", "--grid", "beta=1,3", "--grid", "seed=0..1", "--jobs", "8",
                                   "--threads", "2", "--out", "all"});
  ASSERT_EQ(all.status, 0) << all.err;
  ASSERT_EQ(results("all")["cells"].size(), 8u);
  std::vector<std::string> models;
  for (const std::string rho : {"0.05", "0.2"})
    for (const std::string beta : {"1", "3"})
      for (const std::string seed : {"0", "1"}) {
        const std::string cell = "rho=" + rho + ",beta=" + beta + ",seed=" + seed;
        const ProgramResult alone = sweep({"--grid", "rho=" + rho, "--grid", "beta=" + beta, "--grid", "seed=" + seed,
                                           "--threads", "2", "--out", cell});
        ASSERT_EQ(alone.status, 0) << alone.err;
        expect_same_model("all/" + cell, cell + "/" + cell);
        models.push_back(read_text(at("all/" + cell + "/model.safetensors")));
      }
  std::ranges::sort(models);
  EXPECT_EQ(std::ranges::adjacent_find(models), models.end()) << "two models of different settings are the same";
}

TEST_F(Sweep, AModelIsTheOneThatTrainMakes) {
  const ProgramResult all = run({"sweep", "--data", "synthetic:120", "--epochs", "1", "--batch", "50", "--grid",
                                 "rho=0.05,0.2", "--grid", "hidden=8;6,4", "--out", "all"});
  ASSERT_EQ(all.status, 0) << all.err;
  const ProgramResult alone = run({"train", "--data", "synthetic:120", "--hidden", "6,4", "--epochs", "1", "--batch",
                                   "50", "--rho", "0.2", "--threads", "1", "--out", "alone"});
  ASSERT_EQ(alone.status, 0) << alone.err;
  expect_same_model("all/rho=0.2,hidden=6,4", "alone");
  EXPECT_EQ(read_text(at("all/rho=0.2,hidden=6,4/config.toml")), read_text(at("alone/config.toml")));
  EXPECT_EQ(run({"eval", "all/rho=0.2,hidden=6,4"}).status, 0);
}

TEST_F(Sweep, WarnsAsTrainDoesOnceForAllThatItIsAbout) {
  const float values[] = {-1.5f, 0.25f, 0.5f, 3.0f};
  write_npy(at("signed.npy").string(), ConstTensorView(values, DType::f32, Shape{2, 2}));
  const ProgramResult result = sweep({"--data", "npy:signed.npy", "--grid", "output-activation=sigmoid,identity,relu",
                                      "--grid", "seed=0..2", "--out", "s"});
  ASSERT_EQ(result.status, 0) << result.err;
  const std::size_t note = result.err.find("\nnote     samples of [2] are no images");
  ASSERT_NE(note, std::string::npos) << result.err;
  EXPECT_EQ(result.err.find("no images", note + 50), std::string::npos) << "said once for all";
  std::vector<std::string> warnings;
  std::istringstream lines(result.err);
  for (std::string line; std::getline(lines, line);)
    if (line.starts_with("warning: ")) warnings.push_back(line);
  const std::string text = "signed.npy has values from -1.5 to 3, of which a";
  EXPECT_THAT(warnings,
              ElementsAre(::testing::StartsWith("warning: cell output-activation=sigmoid,seed=0 and 2 more: " + text +
                                                " sigmoid output"),
                          ::testing::StartsWith("warning: cell output-activation=relu,seed=0 and 2 more: " + text +
                                                " relu output reaches only those from 0 on")));
  const ProgramResult one = sweep({"--data", "npy:signed.npy", "--grid", "seed=7", "--out", "one"});
  EXPECT_THAT(one.err, HasSubstr("warning: cell seed=7: " + text));
}

TEST_F(Sweep, ResultsAreSortedAndForMachinesAndPeople) {
  const ProgramResult result = sweep({"--grid", "beta=0,50", "--grid", "lr=0.001,0.02", "--out", "s"});
  ASSERT_EQ(result.status, 0) << result.err;
  const json found = results("s");
  EXPECT_EQ(found["metric"], "reconstruction");
  EXPECT_EQ(found["grid"], json::parse(R"({"beta": [0, 50], "lr": [0.001, 0.02]})"));
  std::vector<double> figures;
  for (const json& cell : found["cells"]) {
    EXPECT_EQ(cell["status"], "complete");
    EXPECT_EQ(cell["epochs"], 1);
    EXPECT_TRUE(cell["settings"]["beta"].is_number());
    figures.push_back(cell["reconstruction"]);
  }
  ASSERT_EQ(figures.size(), 4u);
  EXPECT_TRUE(std::ranges::is_sorted(figures));
  EXPECT_LT(figures.front(), figures.back());
  EXPECT_THAT(result.out, HasSubstr("beta     lr  reconstruction"));
  EXPECT_EQ(std::ranges::count(result.out, '\n'), 5);
  EXPECT_LT(result.out.find("0.02"), result.out.find("0.001"));
  EXPECT_THAT(result.err, HasSubstr("[4/4] "));
  const std::string picture = read_text(at("s/sweep.svg"));
  EXPECT_THAT(picture, HasSubstr("beta 50"));
  EXPECT_THAT(picture, HasSubstr("lr 0.001"));
  std::size_t mosaics = 0;
  for (std::size_t at = 0; (at = picture.find("<image", at)) != std::string::npos; ++at) ++mosaics;
  EXPECT_EQ(mosaics, 4u);
  EXPECT_THAT(read_text(at("s/report.html")), HasSubstr("beta=50,lr=0.02"));
  std::filesystem::remove(at("s/report.html"));
  ASSERT_EQ(run({"report", "s"}).status, 0);
  EXPECT_THAT(read_text(at("s/report.html")), HasSubstr("beta=50,lr=0.02"));
}

TEST_F(Sweep, TheMetricCanBeChosen) {
  ASSERT_EQ(sweep({"--grid", "beta=0,50", "--validation", "20", "--out", "held"}).status, 0);
  EXPECT_EQ(results("held")["metric"], "validation_loss");
  ASSERT_EQ(sweep({"--grid", "beta=0,50", "--metric", "mean-activation", "--out", "activity"}).status, 0);
  EXPECT_THAT(of_cells("activity", "cell"), ElementsAre("beta=50", "beta=0"));
}

TEST_F(Sweep, AModelThatDivergesDoesNotStopTheOthers) {
  const ProgramResult result = sweep({"--optimizer", "sgd", "--output-activation", "identity", "--grid",
                                      "lr=1e30,0.001,0.01", "--jobs", "1", "--out", "s"});
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_THAT(of_cells("s", "status"), ElementsAre("complete", "complete", "diverged"));
  EXPECT_THAT(results("s")["cells"][2]["error"].get<std::string>(), HasSubstr("learning rate"));
  EXPECT_THAT(result.out, HasSubstr("diverged"));
  // It would do so again.
  const ProgramResult again = run({"sweep", "--resume", "--out", "s"});
  EXPECT_EQ(again.status, 0) << again.err;
  EXPECT_THAT(again.err, HasSubstr("3 of 3 models are done"));
  EXPECT_EQ(sweep({"--optimizer", "sgd", "--output-activation", "identity", "--grid", "lr=1e30", "--out", "t"}).status,
            1);
}

TEST_F(Sweep, AModelThatFailsIsListedAndForceStartsOver) {
  ASSERT_EQ(sweep({"--grid", "rho=0.05,0.2", "--out", "s"}).status, 0);
  std::filesystem::remove_all(at("s/rho=0.2"));
  write_text(at("s/rho=0.2"), "in the way");
  const ProgramResult result = run({"sweep", "--resume", "--grid", "rho=0.05,0.2,0.3", "--out", "s"});
  EXPECT_EQ(result.status, 1) << result.err;
  EXPECT_THAT(of_cells("s", "status"), ElementsAre("complete", "complete", "failed"));
  EXPECT_THAT(result.err, HasSubstr("rho=0.2  failed: cannot create the run directory"));
  std::filesystem::remove(at("s/rho=0.2"));
  const auto written = std::filesystem::last_write_time(at("s/rho=0.05/model.safetensors"));
  ASSERT_EQ(sweep({"--grid", "rho=0.05,0.2", "--force", "--out", "s"}).status, 0);
  EXPECT_THAT(of_cells("s", "status"), ElementsAre("complete", "complete"));
  EXPECT_NE(std::filesystem::last_write_time(at("s/rho=0.05/model.safetensors")), written);
}

TEST_F(Sweep, ResumeSkipsWhatIsFinished) {
  ASSERT_EQ(sweep({"--grid", "rho=0.05,0.2", "--out", "s"}).status, 0);
  expect_error(sweep({"--grid", "rho=0.05,0.2", "--out", "s"}), 2, {"s exists", "--resume", "--force"});
  const auto written = std::filesystem::last_write_time(at("s/rho=0.05/model.safetensors"));
  // What stands in the directory is enough to go on; more may be asked for.
  const ProgramResult more = run({"sweep", "--resume", "--grid", "rho=0.05,0.2,0.3", "--out", "s"});
  ASSERT_EQ(more.status, 0) << more.err;
  EXPECT_THAT(more.err, HasSubstr("2 of 3 models are done"));
  EXPECT_EQ(results("s")["cells"].size(), 3u);
  EXPECT_EQ(std::filesystem::last_write_time(at("s/rho=0.05/model.safetensors")), written);
  const ProgramResult longer = run({"sweep", "--resume", "--epochs", "2", "--out", "s"});
  ASSERT_EQ(longer.status, 0) << longer.err;
  ASSERT_EQ(sweep({"--grid", "rho=0.3", "--epochs", "2", "--out", "straight"}).status, 0);
  expect_same_model("s/rho=0.3", "straight/rho=0.3");
  expect_error(run({"sweep", "--resume", "--lr", "0.5", "--out", "s"}), 2,
               {"cell rho=0.05", "cannot resume with another lr"});
}

TEST_F(Sweep, AnInterruptedOneGoesOnToTheSameBits) {
  const Arguments grid{"--grid", "rho=0.05,0.1,0.2", "--jobs", "1", "--out"};
  const auto with = [&](Arguments more) {
    more.insert(more.begin(), grid.begin(), grid.end());
    return more;
  };
  ProgramOptions options;
  options.while_running = [&](pid_t child) {
    for (int i = 0; i < 60'000 && !exists("s/rho=0.1/checkpoints/epoch-0001.safetensors"); ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    ::kill(child, SIGINT);
  };
  const ProgramResult stopped = sweep(with({"s", "--epochs", "40"}), options);
  ASSERT_EQ(stopped.status, 130) << stopped.err;
  EXPECT_THAT(stopped.err, HasSubstr("lacuna sweep --resume --out s"));
  EXPECT_THAT(of_cells("s", "status"), ElementsAre("complete", "interrupted", "waiting"));
  const ProgramResult again = run({"sweep", "--resume", "--out", "s"});
  ASSERT_EQ(again.status, 0) << again.err;
  ASSERT_EQ(sweep(with({"whole", "--epochs", "40"})).status, 0);
  for (const char* cell : {"rho=0.05", "rho=0.1", "rho=0.2"})
    expect_same_model("s/" + std::string(cell), "whole/" + std::string(cell));
}

TEST_F(Sweep, ADamagedOneIsReplacedIfThatIsAskedFor) {
  ASSERT_EQ(sweep({"--grid", "rho=0.1", "--out", "s"}).status, 0);
  write_text(at("s/sweep.json"), "{");
  expect_error(run({"sweep", "--resume", "--out", "s"}), 2, {"s/sweep.json", "is not what a sweep writes"});
  ASSERT_EQ(sweep({"--grid", "rho=0.1", "--force", "--out", "s"}).status, 0);
  EXPECT_EQ(results("s")["cells"].size(), 1u);
}

/// A pipe can be read once only.
TEST_F(Sweep, DataAreLoadedOnce) {
  ASSERT_EQ(train({"--out", "ae"}).status, 0);
  ASSERT_EQ(run({"encode", "ae", "--out", "codes.npy"}).status, 0);
  ASSERT_EQ(::mkfifo(at("pipe.npy").c_str(), 0600), 0);
  std::thread writer([&] { std::ofstream(at("pipe.npy"), std::ios::binary) << read_text(at("codes.npy")); });
  const ProgramResult result = run({"sweep", "--data", "npy:pipe.npy", "--hidden", "4", "--epochs", "1", "--grid",
                                    "rho=0.05,0.2", "--grid", "seed=0..1", "--out", "s"});
  writer.join();
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_EQ(results("s")["cells"].size(), 4u);
}

TEST_F(Sweep, AFileHoldsTheGrid) {
  write_text(at("my.toml"),
             "epochs = 1\ndata = \"synthetic:120\"\nhidden = 8\n[grid]\nrho = [0.1, 0.2]\n"
             "hidden-units = [4]\n");
  expect_error(run({"sweep", "--config", "my.toml", "--out", "s"}), 2, {"my.toml:6", "hidden-units"});
  write_text(at("my.toml"),
             "epochs = 1\ndata = \"synthetic:120\"\n[grid]\nrho = [0.1, 0.2]\n"
             "hidden = [4, [6, 3]]\n");
  ASSERT_EQ(run({"sweep", "--config", "my.toml", "--grid", "rho=0.3", "--out", "s"}).status, 0);
  EXPECT_TRUE(exists("s/hidden=4,rho=0.3/model.safetensors") && exists("s/hidden=6,3,rho=0.3/model.safetensors"));
  EXPECT_EQ(results("s")["cells"].size(), 2u);
  expect_error(run({"train", "--config", "my.toml", "--out", "t"}), 2, {"my.toml:3", "grid is for lacuna sweep"});
}

TEST_F(Sweep, WhatIsWrongIsSaidBeforeAnythingStarts) {
  expect_refused({}, {"settings to vary", "--grid"});
  expect_refused({"--grid", "rho"}, {"--grid", "NAME=VALUE"});
  expect_refused({"--grid", "roh=0.1"}, {"roh", "did you mean \"rho\""});
  expect_refused({"--grid", "rho=0.1,2"}, {"--grid rho", "between 0 and 1"});
  expect_refused({"--grid", "rho=0.1,0.10"}, {"--grid rho", "0.1 is there twice"});
  expect_refused({"--grid", "rho=0.1,"}, {"--grid rho", "a value is missing"});
  expect_refused({"--grid", "rho=0.1", "--grid", "rho=0.2"}, {"--grid rho is there twice"});
  expect_refused({"--grid", "rho=0.1", "--rho", "0.2"}, {"--rho and --grid rho exclude each other"});
  expect_refused({"--grid", "threads=1,2"}, {"threads is the same for the whole sweep", "--threads"});
  expect_refused({"--grid", "seed=0..999", "--grid", "beta=0..99"}, {"more than 10000"});
  expect_refused({"--grid", "sparsity=kl,topk", "--k", "3"}, {"cell sparsity=kl", "k is for --sparsity topk"});
  expect_refused({"--sparsity", "topk", "--grid", "k=3,9"}, {"cell k=9", "8"});
  expect_refused({"--grid", "activation=sigmoid,relu"}, {"cell activation=relu", "sigmoid"});
  expect_refused({"--grid", "rho=0.1", "--metric", "reconstructon"}, {"--metric", "did you mean \"reconstruction\""});
  expect_refused({"--grid", "rho=0.1", "--metric", "validation_loss"}, {"--validation"});
  expect_refused({"--grid", "rho=0.1", "--jobs", "0"}, {"--jobs"});
  expect_refused({"--grid", "rho=0.1", "--force", "--resume"}, {"exclude each other"});
  expect_error(sweep({"--grid", "rho=0.1"}), 2, {"--out DIR"});
}

}  // namespace

}  // namespace lacuna::test
