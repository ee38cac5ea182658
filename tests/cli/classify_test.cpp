#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>

#include "cli/cli_test.h"
#include "lacuna/model.h"
#include "lacuna/npy.h"
#include "support/image_files.h"

namespace lacuna::test {

namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;

class Classify : public CliTest {
 protected:
  ProgramResult command(const std::string& name, const Arguments& more) const {
    Arguments all{name, "--data", "synthetic:200", "--epochs", "2", "--threads", "1"};
    all.insert(all.end(), more.begin(), more.end());
    return run(all);
  }
  ProgramResult classify(const Arguments& more) const { return command("classify", more); }
  ProgramResult finetune(const Arguments& more) const { return command("finetune", more); }
  void must(const ProgramResult& result) const { ASSERT_EQ(result.status, 0) << result.err; }
  void make_autoencoder(const std::string& out, const Arguments& more = {}) const {
    Arguments all{"--data", "synthetic:200", "--epochs", "1", "--out", out};
    all.insert(all.end(), more.begin(), more.end());
    must(train(all));
  }
  void expect_refused(const ProgramResult& result, const std::vector<std::string>& parts) const {
    expect_error(result, 2, parts);
    EXPECT_FALSE(exists("bad"));
  }
  json evaluation(const std::string& directory) const {
    return json::parse(read_text(at(directory + "/evaluation.json")));
  }
  Model model(const std::string& name) const { return load_model(at(name).string()); }
  static std::vector<float> values(const Model& model, const std::string& name) {
    return {model.data(name), model.data(name) + model.layout[name].elements()};
  }
  std::string model_bytes(const std::string& name) const { return read_text(at(name + "/model.safetensors")); }
};

TEST_F(Classify, SoftmaxOnCodesIsSavedAsOneNetworkOnSamples) {
  make_autoencoder("ae");
  const ProgramResult result = classify({"--model", "ae", "--labels", "100", "--out", "run"});
  must(result);
  const json summary = json::parse(result.out), found = evaluation("run");
  EXPECT_EQ(found["samples"], 200) << "the test split";
  EXPECT_EQ(found["rest"]["samples"], 100) << "what --labels left over";
  EXPECT_EQ(summary["test_accuracy"], found["accuracy"]);
  EXPECT_EQ(summary["rest_accuracy"], found["rest"]["accuracy"]);
  EXPECT_EQ(found["confusion"].size(), 10u);
  EXPECT_EQ(values(model("run"), "encoder.0.weight"), values(model("ae"), "encoder.0.weight"));
  EXPECT_EQ(values(model("run"), "encoder.0.bias"), values(model("ae"), "encoder.0.bias")) << "the bias comes along";
  const ProgramResult eval = run({"eval", "run", "--split", "test"});
  must(eval);
  EXPECT_EQ(json::parse(eval.out)["confusion"], found["confusion"]);
  EXPECT_THAT(eval.out, ::testing::ContainsRegex("\n    \\[[0-9]+(, [0-9]+){9}\\]\n")) << "the last row is a line";
  EXPECT_THAT(files_below(at("run")), ::testing::Contains("weights.png"));
  const std::string metrics = read_text(at("run/metrics.jsonl"));
  EXPECT_THAT(metrics, HasSubstr("test_accuracy"));
  EXPECT_THAT(metrics, HasSubstr("training_error"));
}

TEST_F(Classify, FeaturesOnceAndRecomputedAreTheSame) {
  make_autoencoder("ae");
  must(classify({"--model", "ae", "--out", "once"}));
  must(classify({"--model", "ae", "--features", "recomputed", "--out", "each"}));
  const Model once = model("once"), each = model("each");
  EXPECT_EQ(values(each, "encoder.0.weight"), values(model("ae"), "encoder.0.weight")) << "frozen";
  EXPECT_EQ(values(each, "encoder.0.bias"), values(model("ae"), "encoder.0.bias"));
  const std::vector<float> a = values(once, "classifier.weight"), b = values(each, "classifier.weight");
  for (std::size_t i = 0; i < a.size(); ++i) EXPECT_NEAR(a[i], b[i], 1e-5F) << i;
  EXPECT_EQ(evaluation("once")["confusion"], evaluation("each")["confusion"]);
}

TEST_F(Classify, FeaturesOfAKSparseCodeAreThoseOfEvaluation) {
  make_autoencoder("sparse", {"--activation", "identity", "--sparsity", "topk", "--k", "3", "--k-factor", "2"});
  const Arguments job{"--model", "sparse", "--lr", "0.05", "--epochs", "5"};
  Arguments once = job, each = job;
  for (const char* word : {"--out", "once"}) once.emplace_back(word);
  for (const char* word : {"--features", "recomputed", "--out", "each"}) each.emplace_back(word);
  must(classify(once));
  must(classify(each));
  const std::vector<float> a = values(model("once"), "classifier.weight"),
                           b = values(model("each"), "classifier.weight");
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) ASSERT_NEAR(a[i], b[i], 1e-3F) << i;
}

TEST_F(Classify, RecomputedFeaturesBeginWithTheSoftmaxOfAFile) {
  make_autoencoder("ae");
  Model softmax(Network::classifying({}, 16, 10));
  std::ranges::fill(softmax.parameters, 0.25F);
  save_model(at("softmax.safetensors").string(), softmax);
  for (const char* features : {"once", "recomputed"}) {
    must(classify({"--model", "ae", "--features", features, "--init", "softmax.safetensors", "--epochs", "0", "--out",
                   features}));
    EXPECT_EQ(values(model(features), "classifier.weight"), std::vector<float>(160, 0.25F)) << features;
    EXPECT_EQ(values(model(features), "encoder.0.weight"), values(model("ae"), "encoder.0.weight")) << features;
  }
}

TEST_F(Classify, ATestSourceIsItsTestSplit) {
  must(classify({"--out", "auto"}));
  must(classify({"--test", "synthetic:200", "--out", "named"}));
  EXPECT_THAT(evaluation("auto")["data"].get<std::string>(), HasSubstr("test"));
  EXPECT_EQ(evaluation("named"), evaluation("auto"));
}

TEST_F(Classify, AClassMayBeNamedTest) {
  for (const char* name : {"apples", "test"}) {
    std::filesystem::create_directories(at(std::string("d/") + name));
    write_text(at(std::string("d/") + name + "/1.png"), plain_png(4, 3, 100));
  }
  must(run({"classify", "--data", "images:d", "--epochs", "1", "--threads", "1", "--out", "run"}));
  EXPECT_FALSE(exists("run/evaluation.json")) << "there is no test split";
}

TEST_F(Classify, ValidationOfSortedClassesHoldsTheLastOfEachOut) {
  const auto put = [this](const std::string& name, int value) {
    std::filesystem::create_directories(at(name).parent_path());
    write_text(at(name), plain_png(4, 3, value));
  };
  for (int i = 0; i < 6; ++i) put(fmt::format("d/a/{}.png", i), 20 + i);
  for (int i = 0; i < 3; ++i) put(fmt::format("d/b/{}.png", i), 150 + 30 * i);
  put("held/1.png", 24);
  put("held/2.png", 25);
  put("held/3.png", 210);
  const Arguments few{"--data", "images:d", "--validation", "3", "--epochs", "1", "--threads", "1"};
  Arguments training{"train", "--hidden", "2", "--out", "ae"}, classifying{"classify", "--out", "softmax"};
  for (Arguments* all : {&training, &classifying}) all->insert(all->end(), few.begin(), few.end());
  must(run(training));
  must(run(classifying));  // there are two classes left to learn from
  const ProgramResult eval = run({"eval", "ae", "--data", "images:held", "--threads", "1"});
  must(eval);
  const double held = json::parse(eval.out)["reconstruction"],
               validation = json::parse(read_text(at("ae/metrics.jsonl")))["validation_loss"];
  EXPECT_NEAR(validation, held, 1e-5 * held);
}

TEST_F(Classify, AllDataAreCheckedAndTheTestSetToo) {
  // Four samples of one float32, of the classes 0, 1, 0, 1: 0, 0, 0, NaN; and the same without NaN.
  const std::string head("\x00\x00\x0d\x02\x00\x00\x00\x04\x00\x00\x00\x01", 12);
  write_text(at("nan.idx"), head + std::string(12, '\0') + std::string("\x7f\xc0\x00\x00", 4));
  write_text(at("good.idx"), head + std::string(16, '\0'));
  write_text(at("labels.idx"), std::string("\x00\x00\x08\x01\x00\x00\x00\x04\x00\x01\x00\x01", 12));
  const std::string nan = "idx:nan.idx,labels.idx", good = "idx:good.idx,labels.idx";
  expect_refused(run({"classify", "--data", nan, "--labels", "2", "--out", "bad"}), {"nan.idx", "row 3", "finite"});
  expect_refused(run({"classify", "--data", good, "--test", nan, "--out", "bad"}), {"nan.idx", "row 3", "finite"});
}

TEST_F(Classify, ATeacherMayKnowMoreClasses) {
  must(classify({"--out", "teacher"}));
  const ProgramResult result = finetune({"--classes", "0,1", "--labels", "10", "--teacher", "teacher", "--confidence",
                                         "0", "--hidden", "4", "--out", "run"});
  must(result);
  EXPECT_THAT(result.err, HasSubstr("teacher tells 10 classes apart"));
  EXPECT_THAT(result.err, HasSubstr("are not taken"));
  EXPECT_EQ(model("run").network.classes(), 2);
}

TEST_F(Classify, OptionsOfNoUseAreRefused) {
  make_autoencoder("ae");
  expect_refused(classify({"--features", "recomputed", "--out", "bad"}), {"--features recomputed", "--model"});
  expect_refused(finetune({"--model", "ae", "--init", "ae/model.safetensors", "--out", "bad"}), {"--init", "--model"});
}

TEST_F(Classify, NoiseAndDropoutNeedWhatTheyChange) {
  make_autoencoder("ae");
  expect_refused(classify({"--model", "ae", "--noise", "mask:0.3", "--out", "bad"}), {"noise", "recomputed"});
  expect_refused(classify({"--model", "ae", "--dropout", "0.3", "--out", "bad"}), {"dropout", "recomputed"});
  expect_refused(classify({"--dropout", "0.3", "--out", "bad"}), {"dropout", "hidden"});
  must(
      classify({"--model", "ae", "--features", "recomputed", "--noise", "mask:0.3", "--dropout", "0.3", "--out", "r"}));
  must(classify({"--noise", "gaussian:0.1", "--out", "pixels"}));
}

TEST_F(Classify, EveryCommandOnEveryKindOfModel) {
  make_autoencoder("plain");
  make_autoencoder("sparse",
                   {"--activation", "identity", "--sparsity", "topk", "--k", "3", "--k-factor", "2", "--tied"});
  must(run({"train", "--data", "synthetic:100", "--conv", "2:3:2:1,4:3:2:1", "--activation", "relu", "--sparsity", "l1",
            "--epochs", "1", "--threads", "1", "--out", "conv"}));
  make_autoencoder("deep", {"--model", "plain", "--hidden", "6"});
  must(classify({"--out", "pixels"}));
  for (const std::string name : {"plain", "sparse", "conv", "deep"}) {
    must(classify({"--model", name, "--epochs", "1", "--out", name + "-softmax"}));
    must(finetune({"--model", name + "-softmax", "--epochs", "1", "--out", name + "-tuned"}));
    must(run({"reconstruct", name, "--out", name + "-r.npy", "--png", name + "-r.png"}));
    for (const std::string& kind : {name, name + "-softmax", name + "-tuned"}) {
      must(run({"eval", kind}));
      must(run({"encode", kind, "--data", "synthetic:100", "--out", kind + "-c.npy"}));
      must(run({"mosaic", kind, "--out", kind + "-m.png"}));
      must(run({"export", kind, "--out", kind + "-e"}));
      if (kind != name) expect_error(run({"reconstruct", kind, "--out", "no.npy"}), 2, {kind, "is a classifier"});
    }
    EXPECT_EQ(read_text(at(name + "-c.npy")), read_text(at(name + "-softmax-c.npy"))) << "the codes are the same";
  }
  must(run({"eval", "pixels"}));
  const ProgramResult mosaic = run({"mosaic", "pixels", "--out", "pixels.png"});
  must(mosaic);
  EXPECT_THAT(mosaic.err, HasSubstr("weights of 10 units")) << "one for each class";
  EXPECT_THAT(run({"mosaic", "conv", "--out", "kernels.png"}).err, HasSubstr("weights of 2 units"));
  expect_error(run({"encode", "pixels", "--out", "no.npy"}), 2, {"pixels", "no encoder"});
  expect_error(run({"reconstruct", "pixels", "--out", "no.npy"}), 2, {"pixels", "classifier"});
  expect_error(run({"export", "conv", "--out", "no", "--bias-row"}), 2, {"dense layers"});
  EXPECT_FALSE(exists("no.npy"));
  EXPECT_FALSE(exists("no"));
}

TEST_F(Classify, AStackIsTheTwoAutoencodersInOne) {
  make_autoencoder("outer");
  must(train(
      {"--data", "synthetic:200", "--epochs", "1", "--model", "outer", "--hidden", "6", "--tied", "--out", "deep"}));
  const Model deep = model("deep"), outer = model("outer");
  ASSERT_EQ(deep.network.encoder.size(), 2u);
  EXPECT_EQ(values(deep, "encoder.0.weight"), values(outer, "encoder.0.weight"));
  EXPECT_EQ(values(deep, "decoder.1.weight"), values(outer, "decoder.0.weight"));
  EXPECT_EQ(values(deep, "decoder.1.bias"), values(outer, "decoder.0.bias"));
  // The inner one was tied: its decoder is the transpose of its encoder, there as here.
  const std::vector<float> w = values(deep, "encoder.1.weight"), t = values(deep, "decoder.0.weight");
  for (std::size_t i = 0; i < 6; ++i)
    for (std::size_t j = 0; j < 16; ++j) EXPECT_EQ(w[i * 16 + j], t[j * 6 + i]);
  // Its code is the inner code of the outer code.
  must(run({"encode", "deep", "--out", "codes.npy"}));
  const NpyArray codes = read_npy(at("codes.npy").string());
  EXPECT_EQ(codes.view.shape, (Shape{200, 6}));
}

TEST_F(Classify, AStackOnATiedAutoencoderDecodesAsThatDid) {
  make_autoencoder("outer", {"--tied"});
  make_autoencoder("deep", {"--model", "outer", "--hidden", "6"});
  const std::vector<float> w = values(model("outer"), "encoder.0.weight"),
                           t = values(model("deep"), "decoder.1.weight");
  for (std::size_t i = 0; i < 16; ++i)
    for (std::size_t j = 0; j < 784; ++j) ASSERT_EQ(w[i * 784 + j], t[j * 16 + i]) << i << " " << j;
}

TEST_F(Classify, StacksThatCannotBeAreRefusedBeforeTraining) {
  make_autoencoder("sparse", {"--activation", "identity", "--sparsity", "topk", "--k", "3"});
  must(classify({"--out", "pixels"}));
  expect_refused(train({"--model", "sparse", "--hidden", "4", "--out", "bad"}), {"sparse", "3 largest", "--model"});
  expect_refused(train({"--model", "pixels", "--out", "bad"}), {"pixels", "classifier", "autoencoder"});
  expect_refused(classify({"--model", "pixels", "--out", "bad"}), {"pixels", "no encoder"});
  make_autoencoder("linear", {"--activation", "identity", "--sparsity", "none"});
  expect_refused(train({"--model", "linear", "--loss", "bce", "--data", "synthetic:200", "--out", "bad"}),
                 {"codes of synthetic train", "[0, 1]"});
}

TEST_F(Classify, LabelsThatAreNotThere) {
  make_autoencoder("ae");
  must(run({"encode", "ae", "--out", "codes.npy"}));
  expect_refused(run({"classify", "--data", "npy:codes.npy", "--out", "bad"}), {"codes.npy", "no labels", "classify"});
  expect_refused(run({"finetune", "--data", "npy:codes.npy", "--out", "bad"}), {"codes.npy", "no labels", "finetune"});
  expect_refused(run({"train", "--data", "npy:codes.npy", "--labels", "10", "--out", "bad"}),
                 {"codes.npy", "no labels"});
  expect_refused(classify({"--labels", "15", "--out", "bad"}),
                 {"--labels", "15 labels", "10 classes", "multiple of 10"});
  expect_refused(classify({"--labels", "300", "--out", "bad"}), {"class 0", "20 samples", "30 of each"});
  expect_refused(classify({"--classes", "3", "--out", "bad"}), {"class 3", "nothing to tell apart"});
  expect_refused(classify({"--classes", "70,71", "--out", "bad"}), {"--classes 70,71", "no sample"});
  expect_refused(classify({"--labels", "100", "--validation", "15", "--out", "bad"}), {"--validation 15", "85", "10"});
  expect_refused(classify({"--validation", "200", "--out", "bad"}), {"--validation 200", "nothing to train on"});
  expect_refused(classify({"--test", "npy:codes.npy", "--out", "bad"}), {"codes.npy", "no labels to test"});
}

TEST_F(Classify, DataThatDoNotFitTheModel) {
  make_autoencoder("ae");
  const std::string images(
      "\x00\x00\x08\x03\x00\x00\x00\x04\x00\x00\x00\x02\x00\x00\x00\x02"
      "0123456789abcdef",
      32);
  write_text(at("small.idx"), images);
  write_text(at("labels.idx"), std::string("\x00\x00\x08\x01\x00\x00\x00\x04\x00\x01\x00\x01", 12));
  const std::string small = "idx:small.idx,labels.idx";
  expect_refused(run({"classify", "--data", small, "--model", "ae", "--out", "bad"}), {"ae", "784", "[2, 2]"});
  expect_refused(run({"finetune", "--data", small, "--model", "ae", "--out", "bad"}), {"ae", "784", "[2, 2]"});
  expect_refused(run({"train", "--data", small, "--model", "ae", "--out", "bad"}), {"ae", "784", "[2, 2]"});
  expect_refused(classify({"--test", small, "--out", "bad"}), {"[2, 2]", "[28, 28]"});
  expect_refused(classify({"--model", "nowhere", "--out", "bad"}), {"nowhere"});
  // Without a test split there is no test, and what is left over is evaluated all the same.
  must(run({"classify", "--data", small, "--labels", "2", "--epochs", "1", "--out", "small"}));
  EXPECT_EQ(evaluation("small")["samples"], 2);
}

TEST_F(Classify, FinetuningTakesWhatTheModelIs) {
  make_autoencoder("ae");
  must(classify({"--model", "ae", "--out", "softmax"}));
  must(finetune({"--model", "softmax", "--epochs", "0", "--out", "same"}));
  EXPECT_EQ(model("same").parameters, model("softmax").parameters) << "no step, no change";
  must(finetune({"--model", "softmax", "--out", "tuned"}));
  EXPECT_NE(values(model("tuned"), "encoder.0.weight"), values(model("softmax"), "encoder.0.weight"));
  must(finetune({"--model", "softmax", "--random", "--epochs", "0", "--out", "random"}));
  EXPECT_NE(values(model("random"), "encoder.0.weight"), values(model("softmax"), "encoder.0.weight"));
  must(finetune({"--hidden", "12,6", "--out", "own"}));
  EXPECT_EQ(model("own").network.encoder.size(), 2u);
  expect_refused(finetune({"--model", "ae", "--hidden", "8", "--out", "bad"}), {"hidden", "--model ae"});
  expect_refused(finetune({"--model", "ae", "--activation", "relu", "--out", "bad"}), {"activation", "--model ae"});
  expect_refused(finetune({"--random", "--out", "bad"}), {"--random", "--model"});
  const ProgramResult fewer = finetune({"--model", "softmax", "--classes", "0,1", "--out", "fewer"});
  must(fewer);
  EXPECT_EQ(model("fewer").network.classes(), 10) << "the model knows more classes than these data have";
}

TEST_F(Classify, ItsConfigMakesTheSameRunAgain) {
  make_autoencoder("ae");
  must(classify({"--model", "ae", "--labels", "100", "--draw-labels", "--lr-schedule", "cosine", "--out", "one"}));
  const std::string config = read_text(at("one/config.toml"));
  EXPECT_THAT(config, HasSubstr("lacuna classify --config"));
  EXPECT_THAT(config, HasSubstr("model = \"ae\"\n"));
  must(run({"classify", "--config", "one/config.toml", "--out", "two"}));
  EXPECT_EQ(model_bytes("one"), model_bytes("two"));
  EXPECT_EQ(config, read_text(at("two/config.toml")));
  must(finetune({"--model", "one", "--dropout", "0.2", "--noise", "mask:0.2", "--out", "tuned"}));
  EXPECT_THAT(read_text(at("tuned/config.toml")), Not(HasSubstr("hidden")));
  must(run({"finetune", "--config", "tuned/config.toml", "--out", "again"}));
  EXPECT_EQ(model_bytes("tuned"), model_bytes("again"));
}

TEST_F(Classify, AModelRemembersItsDataAndNoMore) {
  must(classify({"--classes", "0,1,2", "--labels", "30", "--out", "run"}));
  EXPECT_EQ(json::parse(run({"eval", "run"}).out)["samples"], 30) << "what it was trained on";
  EXPECT_EQ(json::parse(run({"eval", "run", "--split", "test"}).out)["samples"], 60) << "all of the same classes";
  EXPECT_EQ(json::parse(run({"eval", "run", "--limit", "50"}).out)["samples"], 15) << "not so many with labels";
  EXPECT_EQ(json::parse(run({"eval", "run", "--classes", "1,2"}).out)["samples"], 40);
  expect_error(run({"eval", "run", "--data", "synthetic:50"}), 2, {"label"});
  EXPECT_EQ(json::parse(run({"eval", "run", "--data", "synthetic:50", "--classes", "0,1,2"}).out)["samples"], 15);
}

TEST_F(Classify, ResumedRunsEndWithTheSameBits) {
  make_autoencoder("ae");
  const auto in_two = [&](const std::string& name, const std::string& kind, const Arguments& more) {
    Arguments whole = more, parts = more;
    for (const char* word : {"--epochs", "4", "--out"}) whole.emplace_back(word);
    for (const char* word : {"--epochs", "2", "--out"}) parts.emplace_back(word);
    whole.push_back(name + "-whole");
    parts.push_back(name + "-parts");
    must(command(kind, whole));
    must(command(kind, parts));
    must(run({kind, "--resume", "--epochs", "4", "--out", name + "-parts"}));
    EXPECT_EQ(model_bytes(name + "-whole"), model_bytes(name + "-parts")) << name;
  };
  in_two("once", "classify", {"--model", "ae", "--labels", "100"});
  in_two("each", "classify", {"--model", "ae", "--features", "recomputed", "--noise", "mask:0.2"});
  in_two("tuned", "finetune", {"--model", "ae", "--dropout", "0.3", "--noise", "gaussian:0.1"});
  in_two("moved", "finetune", {"--model", "ae", "--noise", "shift:2"});
  in_two("stack", "train", {"--model", "ae", "--hidden", "6", "--noise", "mask:0.2"});
  in_two("sparse", "train",
         {"--hidden", "20", "--activation", "identity", "--sparsity", "topk", "--k", "3", "--k-start", "15",
          "--k-anneal", "3"});
  in_two("stopped", "classify", {"--validation", "50", "--patience", "3"});
}

TEST_F(Classify, WhatMayNotDifferWhenResuming) {
  make_autoencoder("ae");
  make_autoencoder("other", {"--seed", "5"});
  must(classify({"--model", "ae", "--lr-schedule", "cosine", "--out", "run"}));
  expect_error(run({"classify", "--resume", "--out", "run", "--model", "other"}), 2, {"another model", "other", "ae"});
  expect_error(run({"classify", "--resume", "--out", "run", "--labels", "50"}), 2, {"another labels", "50"});
  expect_error(run({"classify", "--resume", "--out", "run", "--classes", "1,2"}), 2, {"another classes", "none"});
  expect_error(run({"classify", "--resume", "--out", "run", "--epochs", "9"}), 2, {"cosine", "epoch 2", "9"});
  must(finetune({"--hidden", "16", "--out", "own"}));
  expect_error(run({"finetune", "--resume", "--out", "own", "--model", "ae"}), 2, {"another model", "none"});
  must(run({"classify", "--resume", "--out", "run"}));
  must(classify({"--model", "ae", "--features", "recomputed", "--out", "each"}));
  expect_error(run({"finetune", "--resume", "--out", "each"}), 2, {"each/config.toml", "lacuna classify", "features"});
  expect_error(run({"train", "--resume", "--out", "own"}), 2, {"own/config.toml", "lacuna finetune"});
}

TEST_F(Classify, PatienceKeepsTheBestEpoch) {
  // So long a step that what is right at first is forgotten.
  const ProgramResult result =
      classify({"--validation", "50", "--patience", "2", "--lr", "3", "--epochs", "40", "--seed", "3", "--out", "run"});
  must(result);
  const json summary = json::parse(result.out);
  ASSERT_EQ(summary["status"], "stopped early") << "or this test tests nothing";
  EXPECT_EQ(summary["epochs"], summary["best_epoch"].get<int>() + 2);
  EXPECT_EQ(values(model("run"), "classifier.weight"), values(model("run/best.safetensors"), "classifier.weight"));
  double best = 0, of_best = 0;
  std::istringstream lines(read_text(at("run/metrics.jsonl")));
  for (std::string line; std::getline(lines, line);) {
    const json row = json::parse(line);
    best = std::max(best, row["validation_accuracy"].get<double>());
    if (row["epoch"] == summary["best_epoch"]) of_best = row["validation_accuracy"];
  }
  EXPECT_EQ(best, of_best);
  const ProgramResult again = run({"classify", "--resume", "--out", "run"});
  must(again);
  EXPECT_EQ(json::parse(again.out)["status"], "already complete");
  EXPECT_EQ(json::parse(again.out)["best_epoch"], summary["best_epoch"]);
  expect_refused(classify({"--patience", "2", "--out", "bad"}), {"--patience", "--validation"});
}

TEST_F(Classify, NamesOfFoldersAreNamesOfClassesOnCodesToo) {
  for (const char* split : {"train", "test"})
    for (const char* name : {"apples", "pears"}) {
      std::filesystem::create_directories(at(std::string("fruit/") + split + "/" + name));
    }
  make_autoencoder("ae");
  must(run({"reconstruct", "ae", "--png", "one.png", "--samples", "1"}));
  for (const char* split : {"train", "test"})
    for (const char* name : {"apples", "pears"})
      std::filesystem::copy_file(at("one.png"), at(std::string("fruit/") + split + "/" + name + "/1.png"));
  must(run(
      {"classify", "--data", "images:fruit", "--resize", "28x28", "--model", "ae", "--epochs", "1", "--out", "run"}));
  EXPECT_EQ(evaluation("run")["classes"], json::parse(R"(["apples", "pears"])"));
}

TEST_F(Classify, ReconstructionsCanBeRounded) {
  make_autoencoder("ae");
  must(run({"reconstruct", "ae", "--out", "plain.npy"}));
  must(run({"reconstruct", "ae", "--out", "bits.npy", "--round", "--png", "bits.png", "--samples", "150"}));
  const NpyArray plain = read_npy(at("plain.npy").string()), bits = read_npy(at("bits.npy").string());
  const auto *p = static_cast<const float*>(plain.view.data), *b = static_cast<const float*>(bits.view.data);
  for (std::int64_t i = 0; i < plain.view.shape.elements(); ++i) ASSERT_EQ(b[i], p[i] >= 0.5F ? 1.0F : 0.0F) << i;
  expect_error(run({"reconstruct", "ae", "--png", "x.png", "--samples", "0"}), 2, {"--samples", "at least 1"});
}

}  // namespace
}  // namespace lacuna::test
