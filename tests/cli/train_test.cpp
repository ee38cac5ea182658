#include <nlohmann/json.hpp>
#include <sstream>

#include "cli/cli_test.h"
#include "cli/png_reader.h"
#include "cpu/gemm_bf16.h"
#include "lacuna/model.h"
#include "lacuna/npy.h"

namespace lacuna::test {

namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

class Train : public CliTest {};

std::vector<nlohmann::ordered_json> lines_of(const std::string& text) {
  std::vector<nlohmann::ordered_json> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(nlohmann::ordered_json::parse(line));
  return lines;
}

TEST_F(Train, FillsARunDirectory) {
  const ProgramResult result = train({"--out", "run"});
  ASSERT_EQ(result.status, 0) << result.err;
  EXPECT_THAT(files_below(at("run")),
              ElementsAre("checkpoints/epoch-0001.safetensors", "checkpoints/epoch-0002.safetensors", "config.toml",
                          "input.png", "loss.svg", "metrics.jsonl", "model.safetensors", "reconstruction.png",
                          "units.json", "weights.png"));
  for (const char* part : {"device", "fp32", "synthetic", "784-16-784", "epoch 1/2", "epoch 2/2", "samples/s"})
    EXPECT_THAT(result.err, HasSubstr(part));
  EXPECT_THAT(result.err, Not(HasSubstr("\r")));
}

TEST_F(Train, ProfileShowsOperationsAndChangesNothing) {
  ASSERT_EQ(train({"--out", "plain"}).status, 0);
  const ProgramResult result = train({"--out", "run", "--profile"});
  ASSERT_EQ(result.status, 0) << result.err;
  for (const char* part : {"gather batch", "dense_forward encoder.0.output", "update_parameters", "share", "floor us",
                           "GFLOP/s", "run/profile.json"})
    EXPECT_THAT(result.err, HasSubstr(part));
  EXPECT_EQ(nlohmann::json::parse(result.out)["profile"], "run/profile.json");
  EXPECT_FALSE(nlohmann::json::parse(read_text(at("run/profile.json")))["traceEvents"].empty());
  EXPECT_EQ(read_text(at("run/model.safetensors")), read_text(at("plain/model.safetensors")));
  EXPECT_EQ(read_text(at("run/config.toml")), read_text(at("plain/config.toml")));

  // A run that replaces it leaves no trace of other steps.
  ASSERT_EQ(train({"--out", "run", "--force"}).status, 0);
  EXPECT_FALSE(std::filesystem::exists(at("run/profile.json")));
  expect_error(train({"--optimizer", "lbfgs", "--profile", "--out", "other"}), 2, {"--profile", "lbfgs"});
}

TEST_F(Train, MetricsHaveTheirKeysAndTermsAddUp) {
  const ProgramResult result = train({"--out", "run"});
  ASSERT_EQ(result.status, 0) << result.err;
  const auto lines = lines_of(read_text(at("run/metrics.jsonl")));
  ASSERT_EQ(lines.size(), 2u);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    std::vector<std::string> keys;
    for (const auto& [key, value] : lines[i].items()) keys.push_back(key);
    EXPECT_THAT(keys, ElementsAre("epoch", "step", "loss", "reconstruction", "sparsity", "weight_decay",
                                  "mean_activation", "seconds", "samples_per_second"));
    EXPECT_EQ(lines[i]["epoch"], i + 1);
    EXPECT_EQ(lines[i]["step"], 3 * (i + 1));
    EXPECT_DOUBLE_EQ(lines[i]["loss"].get<double>(), lines[i]["reconstruction"].get<double>() +
                                                         lines[i]["sparsity"].get<double>() +
                                                         lines[i]["weight_decay"].get<double>());
  }
  EXPECT_LT(lines[1]["loss"].get<double>(), lines[0]["loss"].get<double>());
  const auto summary = nlohmann::json::parse(result.out);
  EXPECT_EQ(summary["status"], "complete");
  EXPECT_EQ(summary["epochs"], 2);
  EXPECT_EQ(summary["steps"], 6);
  EXPECT_EQ(summary["loss"], lines[1]["loss"]);
}

TEST_F(Train, PicturesAreReadableAndOfTheRightSize) {
  ASSERT_EQ(train({"--out", "run", "--hidden", "100"}).status, 0);
  for (const char* name : {"run/weights.png", "run/input.png", "run/reconstruction.png"}) {
    const report::Image image = read_png(at(name));
    // Ten tiles of 28 pixels and eleven borders, three times as large.
    EXPECT_EQ(image.width, 3 * (10 * 28 + 11)) << name;
    EXPECT_EQ(image.height, 3 * (10 * 28 + 11)) << name;
    EXPECT_EQ(image.channels, 1) << name;
    const auto [least, most] = std::ranges::minmax(image.pixels);
    EXPECT_GT(most - least, 50) << name << " is blank";
  }
  EXPECT_NE(read_png(at("run/input.png")).pixels, read_png(at("run/reconstruction.png")).pixels);
}

TEST_F(Train, DataThatAreNoPicturesGetWeightsAsRows) {
  // 7 values: neither a picture nor a square.
  std::string header = "{'descr': '|u1', 'fortran_order': False, 'shape': (5, 7), }";
  header += std::string(117 - header.size(), ' ') + "\n";
  write_text(at("a.npy"), std::string("\x93NUMPY\x01\x00", 8) + std::string("\x76\x00", 2) + header +
                              std::string("\x01\x20\x30\x40\x50\x60\x70", 7) + std::string(28, '\x33'));
  const ProgramResult result = train({"--data", "npy:a.npy", "--hidden", "3", "--out", "run"});
  ASSERT_EQ(result.status, 0) << result.err;
  EXPECT_FALSE(exists("run/input.png"));
  const report::Image image = read_png(at("run/weights.png"));
  EXPECT_EQ(image.width % (7 + 2), 0);
  EXPECT_EQ(image.height % (3 + 4), 0);
  expect_error(run({"mosaic", "run", "--out", "m.png"}), 2, {"7 values", "no pictures"});
  expect_error(run({"reconstruct", "run", "--png", "m.png"}), 2, {"no pictures"});
  EXPECT_FALSE(exists("m.png"));
}

TEST_F(Train, VectorsAreTakenForImagesWhereTheirValuesAreThoseOfImages) {
  std::vector<float> values;
  for (int i = 0; i < 5 * 9; ++i) values.push_back(static_cast<float>(i % 7) / 7);
  write_npy(at("flat.npy").string(), ConstTensorView(values.data(), DType::f32, Shape{5, 9}));
  values.back() = -0.1f;
  write_npy(at("vectors.npy").string(), ConstTensorView(values.data(), DType::f32, Shape{5, 9}));
  write_npy(at("images.npy").string(), ConstTensorView(values.data(), DType::f32, Shape{5, 3, 3}));
  const ProgramResult vectors = train({"--data", "npy:vectors.npy", "--hidden", "4", "--out", "vectors"});
  ASSERT_EQ(vectors.status, 0) << vectors.err;
  EXPECT_THAT(
      vectors.err,
      HasSubstr(
          "\nnote     samples of [9] and values beyond 0 to 1 are no images: weights.png has a row of pixels for each "
          "unit; if they are, lacuna mosaic draws 3 x 3 tiles\n"));
  EXPECT_FALSE(exists("vectors/input.png"));
  const report::Image rows = read_png(at("vectors/weights.png"));
  EXPECT_EQ(rows.height * (9 + 2), rows.width * (2 * 4 + 1)) << "four rows of nine pixels";
  const ProgramResult images = train({"--data", "npy:images.npy", "--hidden", "4", "--out", "images"});
  ASSERT_EQ(images.status, 0) << images.err;
  EXPECT_THAT(images.err, Not(HasSubstr("no images")));
  EXPECT_TRUE(exists("images/input.png"));
  const ProgramResult flat = train({"--data", "npy:flat.npy", "--hidden", "4", "--out", "flat"});
  ASSERT_EQ(flat.status, 0) << flat.err;
  EXPECT_THAT(flat.err, Not(HasSubstr("no images")));
  EXPECT_TRUE(exists("flat/input.png"));
  ASSERT_EQ(run({"mosaic", "vectors", "--out", "m.png"}).status, 0);
  EXPECT_EQ(read_text(at("m.png")), read_text(at("images/weights.png")));
  EXPECT_EQ(run({"reconstruct", "vectors", "--png", "r.png"}).status, 0);
}

TEST_F(Train, TheSameSeedGivesTheSameModelAndAnotherSeedAnother) {
  ASSERT_EQ(train({"--out", "a", "--seed", "5"}).status, 0);
  ASSERT_EQ(train({"--out", "b", "--seed", "5"}).status, 0);
  ASSERT_EQ(train({"--out", "c", "--seed", "6"}).status, 0);
  EXPECT_EQ(read_text(at("a/model.safetensors")), read_text(at("b/model.safetensors")));
  EXPECT_NE(load_model(at("a").string()).parameters, load_model(at("c").string()).parameters);
}

TEST_F(Train, NoEpochsGiveTheInitialModelAndItCanBeStartedFrom) {
  ASSERT_EQ(train({"--out", "start", "--epochs", "0", "--init", "ufldl", "--seed", "9"}).status, 0);
  const Model start = load_model(at("start").string());
  EXPECT_EQ(start.metadata.at("train.init"), "ufldl");
  const ProgramResult result = train({"--out", "again", "--epochs", "0", "--init", "start/model.safetensors"});
  ASSERT_EQ(result.status, 0) << result.err;
  EXPECT_EQ(load_model(at("again").string()).parameters, start.parameters);
  expect_error(train({"--out", "other", "--hidden", "17", "--init", "start/model.safetensors"}), 2,
               {"start/model.safetensors", "16", "17"});
  EXPECT_FALSE(exists("other"));
}

TEST_F(Train, SeveralLayersOtherLossesAndSgd) {
  const ProgramResult result =
      train({"--out",   "run",        "--hidden",   "20,8", "--loss",     "bce",         "--reduction",
             "element", "--sparsity", "l1",         "--l1", "1e-5",       "--optimizer", "sgd",
             "--lr",    "0.1",        "--momentum", "0.9",  "--nesterov", "--shuffle",   "off"});
  ASSERT_EQ(result.status, 0) << result.err;
  const Model model = load_model(at("run").string());
  ASSERT_EQ(model.network.encoder.size(), 2u);
  EXPECT_EQ(model.network.code_units(), 8);
  EXPECT_EQ(model.metadata.at("train.loss"), "bce");
  EXPECT_EQ(model.metadata.at("train.nesterov"), "on");
}

TEST_F(Train, CheckpointsWithinAnEpochAndKeepingTheNewest) {
  ASSERT_EQ(train({"--out", "run", "--batch", "50", "--checkpoint-every", "4", "--keep-checkpoints", "3"}).status, 0);
  // Steps 4, 6 (end of epoch 1), 8 and 12 (end of epoch 2) were saved.
  EXPECT_THAT(files_below(at("run/checkpoints")),
              ElementsAre("epoch-0001-step-00000008.safetensors", "epoch-0001.safetensors", "epoch-0002.safetensors"));
}

TEST_F(Train, AnExistingDirectoryIsLeftAloneUnlessForced) {
  ASSERT_EQ(train({"--out", "run"}).status, 0);
  const std::string before = read_text(at("run/model.safetensors"));
  write_text(at("run/notes.txt"), "mine");
  expect_error(train({"--out", "run", "--seed", "1"}), 2, {"run exists", "--force", "--resume"});
  EXPECT_EQ(read_text(at("run/model.safetensors")), before);
  // Nothing of the old run is lost to arguments that turn out to be unusable.
  expect_error(train({"--out", "run", "--force", "--data", "npy:missing.npy"}), 2, {"missing.npy"});
  EXPECT_EQ(read_text(at("run/model.safetensors")), before);
  ASSERT_EQ(train({"--out", "run", "--force", "--seed", "1", "--epochs", "1"}).status, 0);
  EXPECT_NE(read_text(at("run/model.safetensors")), before);
  EXPECT_EQ(lines_of(read_text(at("run/metrics.jsonl"))).size(), 1u);
  EXPECT_FALSE(exists("run/checkpoints/epoch-0002.safetensors"));
  EXPECT_EQ(read_text(at("run/notes.txt")), "mine");
}

TEST_F(Train, WarnsOfValuesThatTheOutputCannotReach) {
  const float values[] = {-1.5f, 0.25f, 0.5f, 3.0f};
  write_npy(at("signed.npy").string(), ConstTensorView(values, DType::f32, Shape{2, 2}));
  write_npy(at("positive.npy").string(), ConstTensorView(values + 2, DType::f32, Shape{1, 2}));
  const auto said = [&](const char* data, const char* output) {
    return train({"--data", data, "--hidden", "3", "--output-activation", output, "--out", "run", "--force"}).err;
  };
  EXPECT_THAT(said("npy:signed.npy", "sigmoid"),
              HasSubstr("from -1.5 to 3, of which a sigmoid output reaches only those "
                        "between 0 and 1"));
  EXPECT_THAT(said("npy:signed.npy", "relu"), HasSubstr("only those from 0 on"));
  EXPECT_THAT(said("npy:positive.npy", "sigmoid"), HasSubstr("warning: positive.npy has values from 0.5 to 3"));
  EXPECT_THAT(said("npy:positive.npy", "relu"), Not(HasSubstr("warning")));
  EXPECT_THAT(said("npy:signed.npy", "identity"), Not(HasSubstr("warning")));
}

TEST_F(Train, InBf16WhereTheProcessorHasIt) {
  if (const std::string why = cpu::why_no_bf16(); !why.empty())
    return expect_error(train({"--out", "run", "--device", "cpu", "--precision", "bf16"}), 2,
                        {"bf16", why, "use fp32"});
  const ProgramResult result = train({"--out", "run", "--device", "cpu", "--precision", "bf16"});
  ASSERT_EQ(result.status, 0) << result.err;
  EXPECT_THAT(result.err, HasSubstr(", bf16\n"));
  EXPECT_THAT(result.err, HasSubstr("choice   matrix products of bf16 operands"));
  EXPECT_THAT(read_text(at("run/config.toml")), HasSubstr("precision = \"bf16\""));
  ASSERT_EQ(train({"--out", "exact"}).status, 0);
  EXPECT_NE(load_model(at("run").string()).parameters, load_model(at("exact").string()).parameters);
  ASSERT_EQ(run({"eval", "run", "--precision", "bf16"}).status, 0);
}

TEST_F(Train, ABarOnATerminal) {
  ProgramOptions options;
  options.terminal = true;
  const ProgramResult result = train({"--out", "run", "--batch", "1"}, options);
  ASSERT_EQ(result.status, 0) << result.err;
  EXPECT_THAT(result.err, HasSubstr("\r\x1b[K epoch 1/2 ["));
  EXPECT_THAT(result.err, HasSubstr("ETA"));
}

}  // namespace

}  // namespace lacuna::test
