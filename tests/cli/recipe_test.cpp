#include <csignal>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "cli/cli_test.h"

namespace lacuna::test {

namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

/// A recipe with one stage of most kinds, which takes no time.
const char* const kSmall = R"(title = "Small"

[settings]
data = "synthetic:100"
threads = 1

[settings.quick]
data = "synthetic:50"

[[stage]]
name = "ae-{rho}"
kind = "pretrain"
each.rho = [0.1, 0.3]
rho = "{rho}"
hidden = [8]
epochs = 2
quick.epochs = 1

[[stage]]
name = "softmax"
kind = "classify"
model = "@ae-0.1"
epochs = 2
labels = 50
quick.labels = 20

[[stage]]
name = "codes"
kind = "encode"
model = "@ae-0.1"

[[stage]]
name = "arrays"
kind = "export"
model = "@softmax"
bias-row = true

[[stage]]
name = "after"
kind = "evaluate"
model = "@ae-0.3"

[[stage]]
name = "weights"
kind = "draw"
model = "@ae-0.1"
what = "weights"
units = 4
title = "Strokes"

[[stage]]
name = "digits"
kind = "draw"
model = "@ae-0.1"
what = "reconstruction"
samples = 9
round = true

[[stage]]
name = "table"
kind = "compare"
each.rho = [0.1, 0.3]
title = "Figures"
note = "Nothing to be proud of."
columns = [
  {title = "rho", value = "{rho}"},
  {title = "reconstruction", stage = "ae-{rho}", key = "reconstruction"},
  {title = "accuracy", stage = "softmax", key = "test_accuracy", show = "percent"},
  {title = "explained variance", stage = "after", key = "explained_variance"},
]

[[bar]]
title = "more than nothing"
stage = "softmax"
key = "test_accuracy"
show = "percent"
at-least = 0.0
at-most = 1.0

[[bar]]
title = "out of reach"
stage = "ae-0.1"
minus = "ae-0.3"
key = "reconstruction"
at-least = 1e6
)";

class Recipes : public CliTest {
 protected:
  void put(const std::string& text) const { write_text(at("r.toml"), text); }
  ProgramResult run_recipe(const Arguments& more = {}) const {
    Arguments all{"recipe", "run", "r.toml", "--out", "out"};
    all.insert(all.end(), more.begin(), more.end());
    return run(all);
  }
  json result() const { return json::parse(read_text(at("out/recipe.json"))); }
  /// The small recipe with one part replaced must be refused, and before anything is done.
  void expect_refused(const std::string& part, const std::string& by, const std::vector<std::string>& wanted) const {
    std::string text = kSmall;
    const std::size_t found = text.find(part);
    ASSERT_NE(found, std::string::npos) << part;
    put(text.replace(found, part.size(), by));
    expect_error(run_recipe(), 2, wanted);
    EXPECT_FALSE(exists("out")) << part << " -> " << by;
  }
};

const char* const kNames[] = {"kl-mosaic", "semi-supervised", "semi-supervised-best",
                              "stacked",   "self-taught",     "k-sparse",
                              "mlp",       "bce-kl",          "bce-l1",
                              "conv-l1",   "full-batch"};

TEST_F(Recipes, AreListed) {
  const ProgramResult list = run({"recipe", "list"});
  ASSERT_EQ(list.status, 0) << list.err;
  std::istringstream lines(list.out);
  std::vector<std::string> names;
  for (std::string line; std::getline(lines, line);) names.push_back(line.substr(0, line.find(' ')));
  EXPECT_THAT(names, ::testing::ElementsAreArray(kNames));
}

class EachRecipe : public CliTest, public ::testing::WithParamInterface<const char*> {};

TEST_P(EachRecipe, RunsQuicklyAndEndsInAPage) {
  const std::string name = GetParam();
  const ProgramResult done = run({"recipe", "run", name, "--quick", "--threads", "1"});
  ASSERT_EQ(done.status, 0) << done.err;
  EXPECT_THAT(done.err, Not(HasSubstr("warning")));
  const json found = json::parse(done.out);
  EXPECT_EQ(found["recipe"], name);
  EXPECT_EQ(found["quick"], true);
  EXPECT_THAT(found["device"].get<std::string>(), HasSubstr("cpu"));
  ASSERT_FALSE(found["tables"].empty());
  ASSERT_FALSE(found["bars"].empty());
  for (const json& table : found["tables"])
    for (const json& row : table["rows"])
      for (const json& cell : row) EXPECT_THAT(cell.get<std::string>(), Not(::testing::AnyOf("", "–"))) << table;
  for (const json& bar : found["bars"]) EXPECT_TRUE(bar["measured"].is_number()) << bar;
  for (const json& picture : found["pictures"])
    EXPECT_TRUE(exists("runs/" + name + "-quick/" + picture["file"].get<std::string>())) << picture;
  const std::string page = read_text(at("runs/" + name + "-quick/report.html"));
  EXPECT_THAT(page, HasSubstr("Goals"));
  EXPECT_THAT(page, Not(HasSubstr("Not everything could be shown")));
}

INSTANTIATE_TEST_SUITE_P(Quick, EachRecipe, ::testing::ValuesIn(kNames), [](const auto& param_info) {
  std::string name = param_info.param;
  for (char& c : name)
    if (c == '-') c = '_';
  return name;
});

TEST_F(Recipes, AStageIsTheCommandBehindIt) {
  put(kSmall);
  const ProgramResult done = run_recipe();
  ASSERT_EQ(done.status, 0) << done.err;
  ASSERT_EQ(run({"train", "--data", "synthetic:100", "--hidden", "8", "--rho", "0.3", "--epochs", "2", "--threads", "1",
                 "--out", "by-hand"})
                .status,
            0);
  EXPECT_EQ(read_text(at("out/ae-0.3/model.safetensors")), read_text(at("by-hand/model.safetensors")));
  const json found = result();
  EXPECT_EQ(found["tables"][0]["columns"],
            json::parse(R"(["rho", "reconstruction", "accuracy", "explained variance"])"));
  EXPECT_EQ(found["tables"][0]["rows"].size(), 2u);
  EXPECT_EQ(found["tables"][0]["rows"][1][0], "0.3");
  EXPECT_NE(found["tables"][0]["rows"][1][3], "–") << "what a test of an autoencoder found";
  EXPECT_EQ(found["tables"][0]["note"], "Nothing to be proud of.");
  EXPECT_EQ(found["bars"][0]["reached"], true);
  EXPECT_EQ(found["bars"][1]["reached"], false);
  EXPECT_EQ(found["bars"][1]["at_least"], 1e6);
  EXPECT_FALSE(found.contains("quick"));
  EXPECT_THAT(files_below(at("out")),
              ::testing::IsSupersetOf({"codes.npy", "arrays/encoder.0.npy", "arrays/classifier.npy", "weights.png",
                                       "digits.png", "recipe.json", "report.html", "softmax/evaluation.json"}));
  EXPECT_THAT(done.err, HasSubstr("reached  more than nothing"));
  EXPECT_THAT(done.err, HasSubstr("missed   out of reach"));
}

TEST_F(Recipes, SeveralSeedsHaveMeanAndSpread) {
  put(kSmall);
  const ProgramResult done = run_recipe({"--seeds", "2", "--seed", "4", "--quick", "--data", "synthetic:60"});
  ASSERT_EQ(done.status, 0) << done.err;
  EXPECT_TRUE(exists("out/seed-4/softmax/model.safetensors"));
  EXPECT_TRUE(exists("out/seed-5/softmax/model.safetensors"));
  const json found = result();
  EXPECT_EQ(found["seeds"], 2);
  EXPECT_THAT(found["tables"][0]["rows"][0][1].get<std::string>(), HasSubstr(" ± "));
  EXPECT_EQ(found["stages"].size(), 2u * 8u);
  EXPECT_EQ(found["pictures"].size(), 2u) << "of the first seed";
  const double four = json::parse(run({"eval", "out/seed-4/ae-0.3"}).out)["reconstruction"];
  const double five = json::parse(run({"eval", "out/seed-5/ae-0.3"}).out)["reconstruction"];
  EXPECT_NE(four, five);
  EXPECT_THAT(read_text(at("out/seed-4/softmax/config.toml")), HasSubstr("data = \"synthetic:60\""));
}

TEST_F(Recipes, AnInterruptedOneGoesOnAndEndsAsIfItHadNotBeen) {
  std::string slow = kSmall;  // so that there is time for the signal, which comes when the second stage has begun
  slow.replace(slow.find("epochs = 2"), 10, "epochs = 60");
  put(slow);
  ASSERT_EQ(run_recipe().status, 0);
  std::filesystem::rename(at("out"), at("whole"));
  ProgramOptions options;
  options.while_running = [this](pid_t child) {
    for (int i = 0; i < 60'000 && !exists("out/ae-0.3/config.toml"); ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    ::kill(child, SIGINT);
  };
  const ProgramResult stopped = run({"recipe", "run", "r.toml", "--out", "out"}, options);
  ASSERT_EQ(stopped.status, 130) << stopped.err;
  EXPECT_THAT(stopped.err, HasSubstr("--resume"));
  EXPECT_FALSE(exists("out/recipe.json")) << "nothing partial";
  EXPECT_FALSE(exists("out/report.html"));
  EXPECT_FALSE(exists("out/softmax"));
  expect_error(run_recipe(), 2, {"out exists", "--resume"});
  const ProgramResult again = run_recipe({"--resume"});
  ASSERT_EQ(again.status, 0) << again.err;
  for (const char* stage : {"ae-0.1", "ae-0.3", "softmax"})
    EXPECT_EQ(read_text(at(std::string("out/") + stage + "/model.safetensors")),
              read_text(at(std::string("whole/") + stage + "/model.safetensors")));
  EXPECT_EQ(result()["tables"], json::parse(read_text(at("whole/recipe.json")))["tables"]);
}

TEST_F(Recipes, ResumingACompleteOneChangesNothing) {
  put(kSmall);
  ASSERT_EQ(run_recipe().status, 0);
  const json before = result();
  const std::string model = read_text(at("out/softmax/model.safetensors"));
  std::filesystem::remove_all(at("out/softmax"));
  const ProgramResult again = run_recipe({"--resume"});
  ASSERT_EQ(again.status, 0) << again.err;
  EXPECT_EQ(read_text(at("out/softmax/model.safetensors")), model) << "only what was missing, and the same";
  const json after = result();
  EXPECT_EQ(after["tables"], before["tables"]);
  EXPECT_EQ(after["bars"], before["bars"]);
  for (const json& stage : after["stages"]) {
    if (stage["kind"] != "pretrain") continue;
    EXPECT_GT(stage["seconds"], 0) << "the time it took then";
  }
  expect_error(run_recipe({"--resume", "--data", "synthetic:70"}), 2, {"another data", "synthetic:70"});
}

TEST_F(Recipes, WhatIsThereIsNotOverwrittenUnasked) {
  put(kSmall);
  std::filesystem::create_directory(at("out"));
  write_text(at("out/mine"), "precious");
  expect_error(run_recipe(), 2, {"out exists and is not empty"});
  EXPECT_THAT(files_below(at("out")), ElementsAre("mine"));
  expect_error(run_recipe({"--force", "--resume"}), 2, {"--force", "--resume"});
  expect_error(run_recipe({"--force=false", "--resume=false"}), 2, {"out exists and is not empty"});
  ASSERT_EQ(run_recipe({"--force", "--quick=false"}).status, 0);
  EXPECT_EQ(read_text(at("out/mine")), "precious");
  EXPECT_FALSE(result().contains("quick"));
}

TEST_F(Recipes, AnExportReplacesOnlyWhatAnExportWrote) {
  put(kSmall);
  std::filesystem::create_directories(at("out/arrays"));
  for (const char* mine : {"out/arrays/notes.txt", "out/arrays/mine.npy"}) {
    write_text(at(mine), "precious");
    for (const char* how : {"--force", "--resume"}) expect_error(run_recipe({how}), 2, {mine, "in the way"});
    EXPECT_EQ(read_text(at(mine)), "precious");
    EXPECT_FALSE(exists("out/ae-0.1")) << "found before anything runs";
    std::filesystem::remove(at(mine));
  }
  ASSERT_EQ(run_recipe({"--quick", "--force"}).status, 0);
  write_text(at("out/arrays/encoder.0.npy"), "of an earlier export");
  ASSERT_EQ(run_recipe({"--quick", "--force"}).status, 0);
  EXPECT_THAT(files_below(at("out/arrays")), ElementsAre("classifier.npy", "encoder.0.npy"));
  EXPECT_THAT(read_text(at("out/arrays/encoder.0.npy")), HasSubstr("NUMPY"));
}

TEST_F(Recipes, AnotherSpellingOfTheDirectoryIsTheSameDirectory) {
  put(kSmall);
  ASSERT_EQ(run_recipe({"--quick", "--out", "out/"}).status, 0);
  EXPECT_THAT(read_text(at("out/softmax/config.toml")), HasSubstr("model = \"out/ae-0.1\""));
  for (const std::string& spelling : {std::string("out"), std::string("./out//"), at("out").string()}) {
    const ProgramResult again = run_recipe({"--quick", "--resume", "--out", spelling});
    EXPECT_EQ(again.status, 0) << spelling << again.err;
    EXPECT_THAT(again.err, HasSubstr("already complete"));
  }
}

TEST_F(Recipes, WithQuickAStageMayBeDrawnAndTitledOtherwise) {
  std::string text = kSmall;
  const std::string before = "units = 4\n";
  put(text.replace(text.find(before), before.size(), "units = 4\nquick.units = 2\nquick.title = \"Two\"\n"));
  ASSERT_EQ(run_recipe({"--quick"}).status, 0);
  EXPECT_EQ(result()["pictures"][0]["title"], "Two");
  ASSERT_EQ(run({"mosaic", "out/ae-0.1", "--units", "2", "--out", "two.png"}).status, 0);
  EXPECT_EQ(read_text(at("out/weights.png")), read_text(at("two.png")));
  ASSERT_EQ(run_recipe({"--force"}).status, 0);
  EXPECT_EQ(result()["pictures"][0]["title"], "Strokes");
}

TEST_F(Recipes, ACommonObjectiveIsNotThatOfAClassifiersTest) {
  const std::string common = "threads = 1\n", stage = "[[stage]]\nname = \"after\"";
  const std::string test = "[[stage]]\nname = \"test\"\nkind = \"evaluate\"\nmodel = \"@softmax\"\n";
  expect_refused(stage, test + "loss = \"squared\"\n" + stage, {"loss: is for autoencoders", "classifier"});
  std::string text = kSmall;
  text.replace(text.find(common), common.size(), common + "weight-decay = 0.01\n");
  text.replace(text.find(stage), stage.size(), test + stage);
  put(text);
  const ProgramResult done = run_recipe({"--quick"});
  EXPECT_EQ(done.status, 0) << done.err;
}

TEST_F(Recipes, ADirectoryThatNothingCameIntoIsRemoved) {
  put("[[stage]]\nname = \"s\"\nkind = \"classify\"\ndata = \"synthetic:50\"\ndropout = 0.5\n");
  expect_error(run_recipe(), 2, {"dropout"});
  EXPECT_FALSE(exists("out"));
}

TEST_F(Recipes, UnknownWordsAreNamedWithTheirLineAndTheNearest) {
  expect_refused("title = \"Small\"", "titel = \"Small\"", {"r.toml:1: unknown key \"titel\"", "\"title\""});
  expect_refused("kind = \"classify\"", "kind = \"clasify\"",
                 {"r.toml:21", "unknown stage \"clasify\"", "\"classify\""});
  expect_refused("labels = 50", "lables = 50", {"r.toml:24: unknown key \"lables\"", "\"labels\""});
  expect_refused("quick.labels", "quick.lables", {"r.toml:25: unknown key \"lables\"", "\"labels\""});
  expect_refused("quick.epochs", "quikc.epochs", {"unknown key \"quikc\"", "\"quick\""});
  expect_refused("threads = 1", "thread = 1", {"r.toml:5: unknown key \"thread\"", "\"threads\""});
  expect_refused("[settings.quick]\ndata", "[settings.quick]\ndta", {"r.toml:8: unknown key \"dta\"", "\"data\""});
  expect_refused("key = \"reconstruction\"}", "kee = \"reconstruction\"}", {"unknown key \"kee\"", "\"key\""});
  expect_refused("at-most", "at-mots", {"unknown key \"at-mots\"", "\"at-most\""});
  expect_refused("show = \"percent\"}", "show = \"procent\"}", {"r.toml:", "\"procent\"", "\"percent\""});
  expect_refused("what = \"weights\"", "what = \"weight\"", {"r.toml:", "\"weight\"", "\"weights\""});
  expect_refused("bias-row = true", "units = 3", {"unknown key \"units\""});
  expect_refused("labels = 50", "hidden = [3]", {"r.toml:24: hidden", "no setting of a classify stage"});
}

TEST_F(Recipes, WhatCannotBeIsRefusedBeforeAnythingIsDone) {
  expect_refused("model = \"@ae-0.1\"", "model = \"@ae-0.2\"", {"r.toml:19", "no earlier stage is named \"ae-0.2\""});
  expect_refused("model = \"@softmax\"", "model = \"@codes\"", {"codes is of kind encode", "no model"});
  expect_refused("model = \"@ae-0.3\"\n", "", {"a stage of kind evaluate needs a model"});
  expect_refused("stage = \"ae-{rho}\"", "stage = \"ea-{rho}\"", {"no stage is named \"ea-0.1\"", "\"ae-0.1\""});
  expect_refused("stage = \"ae-{rho}\"", "stage = \"ae-{roh}\"", {"{roh} is given nowhere"});
  expect_refused("minus = \"ae-0.3\"", "minus = \"weights\"", {"weights is of kind draw", "no figures"});
  expect_refused("name = \"codes\"", "name = \"softmax\"", {"two stages are named softmax"});
  expect_refused("name = \"codes\"", "name = \"../codes\"", {"\"../codes\"", "no name for a directory"});
  expect_refused("name = \"codes\"\n", "", {"a stage needs a name and a kind"});
  expect_refused("rho = \"{rho}\"", "rho = 1.5", {"r.toml:14: rho", "between 0 and 1"});
  expect_refused("hidden = [8]", "hidden = \"8\"", {"r.toml:15: hidden", "list of integers"});
  expect_refused("units = 4", "units = 0", {"units", "at least 1"});
  expect_refused("each.rho = [0.1, 0.3]\nrho", "each.rho = []\nrho", {"rho: must not be an empty list", "r.toml"});
  expect_refused("at-least = 0.0\nat-most = 1.0\n", "", {"at-least, at-most or both"});
  expect_refused("labels = 50", "labels = 55", {"stage softmax", "55 labels", "10 classes"});
  expect_refused("labels = 50", "patience = 5", {"--patience", "--validation"});
  expect_refused("labels = 50", "out = \"there\"", {"r.toml:24: out", "recipe run --out"});
  expect_refused("labels = 50", "resume = true", {"r.toml:24: resume"});
  expect_refused("quick.labels = 20", "quick.force = true", {"r.toml:25: force"});
  expect_refused("threads = 1", "model = \"ae\"", {"r.toml:5: model", "belongs into a stage"});
  expect_refused("units = 4", "quick.units = 0", {"units", "at least 1"});
  expect_refused("units = 4", "quick.name = \"w\"", {"name", "--quick"});
  expect_refused("[[stage]]", "[[stage", {"r.toml:10"});
  put("title = \"none\"\n");
  expect_error(run_recipe(), 2, {"r.toml", "no [[stage]]"});
  put(kSmall);
  ASSERT_EQ(run({"train", "--data", "synthetic:100", "--hidden", "8", "--epochs", "0", "--out", "ae"}).status, 0);
  ASSERT_EQ(run({"encode", "ae", "--out", "bare.npy"}).status, 0);
  expect_error(run_recipe({"--data", "npy:bare.npy"}), 2, {"stage softmax", "bare.npy", "no labels"});
  expect_error(run_recipe({"--device", "gpu"}), 2, {"gpu", "cpu"});
  expect_error(run_recipe({"--seeds", "0"}), 2, {"--seeds", "at least 1"});
  EXPECT_FALSE(exists("out"));
}

TEST_F(Recipes, NetworksAndDataOfLaterStagesAreLookedAtFirst) {
  const std::string softmax = "[[stage]]\nname = \"softmax\"";
  const auto second = [&](const std::string& settings) {
    return "[[stage]]\nname = \"second\"\nkind = \"pretrain\"\n" + settings + "\n" + softmax;
  };
  expect_refused(softmax, second("hidden = [10]\nsparsity = \"topk\"\nk = 50\n"), {"stage second", "50"});
  expect_refused(softmax, second("conv = \"4:40\"\n"), {"stage second", "40"});
  expect_refused(softmax, second("model = \"@ae-0.1\"\nconv = \"4:3\"\n"), {"stage second", "--conv", "[8]"});
  expect_refused(softmax, second("model = \"absent\"\n"), {"stage second", "absent"});
  for (const char* kind : {"evaluate", "encode"}) {
    const std::string line = std::string("kind = \"") + kind + "\"\n";
    expect_refused(line, line + "data = \"npy:absent.npy\"\n", {"stage ", "absent.npy"});
  }
  expect_refused("samples = 9\n", "data = \"npy:absent.npy\"\n", {"stage digits", "absent.npy"});
  ASSERT_EQ(run({"train", "--data", "synthetic:100", "--hidden", "8", "--epochs", "0", "--out", "ae"}).status, 0);
  ASSERT_EQ(run({"encode", "ae", "--out", "codes.npy"}).status, 0);
  expect_error(run({"recipe", "run", "bce-kl", "--data", "npy:codes.npy", "--threads", "1"}), 2,
               {"codes.npy has no test split", "--data"});
  EXPECT_FALSE(exists("runs"));
}

TEST_F(Recipes, NamesAndFiles) {
  expect_error(run({"recipe"}), 2, {"list, show or run"});
  expect_error(run({"recipe", "run"}), 2, {"recipe run NAME"});
  expect_error(run({"recipe", "run", "kl-mosaik"}), 2, {"\"kl-mosaik\"", "\"kl-mosaic\"", "recipe list"});
  expect_error(run({"recipe", "run", "missing.toml"}), 2, {"missing.toml", "No such file"});
  const ProgramResult shown = run({"recipe", "show", "mlp"});
  ASSERT_EQ(shown.status, 0);
  write_text(at("mine.toml"), shown.out);
  EXPECT_EQ(run({"recipe", "run", "mine.toml", "--quick", "--threads", "1"}).status, 0);
  EXPECT_TRUE(exists("runs/mine-quick/report.html")) << "named as the file";
}

TEST_F(Recipes, AFigureThatWasNotFoundIsADashAndNoGoalReached) {
  std::string text = kSmall;
  for (std::size_t found = 0; (found = text.find("test_accuracy", found)) != std::string::npos;)
    text.replace(found, 13, "rest_acuracy");
  put(text);
  const ProgramResult done = run_recipe({"--quick"});
  ASSERT_EQ(done.status, 0) << done.err;
  EXPECT_THAT(done.err, HasSubstr("warning: stage softmax found no figure named rest_acuracy; it found"));
  EXPECT_EQ(result()["tables"][0]["rows"][0][2], "–");
  EXPECT_EQ(result()["bars"][0]["reached"], false);
  EXPECT_TRUE(result()["bars"][0]["measured"].is_null());
}

}  // namespace
}  // namespace lacuna::test
