#include <cstring>

#include "cli/cli_test.h"
#include "lacuna/npy.h"
#include "lacuna/trainer.h"

namespace lacuna::test {

namespace {

using ::testing::HasSubstr;

class BadInput : public CliTest {
 protected:
  /// Nothing may be created where the arguments are unusable.
  void expect_refused(const Arguments& more, const std::vector<std::string>& parts) {
    Arguments all{"--out", "run"};
    all.insert(all.end(), more.begin(), more.end());
    expect_error(train(all), 2, parts);
    EXPECT_FALSE(exists("run"));
  }

  void write_floats(const std::string& name, const Shape& shape, const std::vector<float>& values) {
    write_npy(at(name).string(), ConstTensorView(values.data(), DType::f32, shape));
  }
};

TEST_F(BadInput, UnknownWords) {
  expect_refused({"--epocs", "3"}, {"unknown option --epocs", "did you mean --epochs?"});
  expect_refused({"--wieght-decay=3"}, {"unknown option --wieght-decay ", "did you mean --weight-decay?"});
  expect_refused({"--zzzzz"}, {"unknown option --zzzzz", "--help"});
  expect_refused({"more"}, {"unexpected argument \"more\""});
  expect_error(run({"trian"}), 2, {"unknown command \"trian\"", "did you mean \"train\"?"});
  expect_error(run({}), 2, {"command"});
  expect_error(run({"data"}), 2, {"info", "fetch"});
  expect_error(run({"data", "fetch", "mnits"}), 2, {"mnits", "mnist"});
  expect_error(run({"data", "info", "synthetic:5", "--josn"}), 2, {"--josn", "--json", "lacuna data info --help"});
  expect_refused({"--loss", "half-sqared"}, {"--loss", "half-sqared", "half-squared"});
  expect_refused({"--device", "gpu"}, {"gpu", "cpu", "cuda"});
  expect_refused({"--data", "synthetc:10"}, {"synthetc", "synthetic"});
}

TEST_F(BadInput, Numbers) {
  expect_refused({"--epochs", "12abc"}, {"--epochs", "12abc", "whole number"});
  expect_refused({"--epochs", "-1"}, {"--epochs", "-1"});
  expect_refused({"--epochs", ""}, {"--epochs"});
  expect_refused({"--epochs"}, {"--epochs"});
  expect_refused({"--batch", "0"}, {"--batch", "at least 1"});
  expect_refused({"--batch", "99999999999999999999"}, {"--batch", "too large"});
  expect_refused({"--hidden", "0"}, {"--hidden", "at least 1"});
  expect_refused({"--hidden", "20,"}, {"--hidden"});
  expect_refused({"--hidden", "20,-3"}, {"--hidden", "-3"});
  expect_refused({"--lr", "nan"}, {"--lr", "finite"});
  expect_refused({"--lr", "inf"}, {"--lr", "finite"});
  expect_refused({"--lr", "0"}, {"--lr", "above 0"});
  expect_refused({"--lr", "1e400"}, {"--lr", "1e400"});
  expect_refused({"--rho", "0"}, {"--rho", "between 0 and 1"});
  expect_refused({"--rho", "1"}, {"--rho", "between 0 and 1"});
  expect_refused({"--beta", "-1"}, {"--beta", "at least 0"});
  expect_refused({"--momentum", "1"}, {"--momentum", "below 1"});
  expect_refused({"--weight-decay", "-0.1"}, {"--weight-decay", "at least 0"});
  expect_refused({"--seed", "-1"}, {"--seed", "at least 0"});
  expect_refused({"--threads", "100000"}, {"--threads", "between"});
  expect_refused({"--limit", "-1"}, {"--limit"});
}

TEST_F(BadInput, SizesBeyondMemory) {
  expect_refused({"--hidden", "1000000000"}, {"GiB", "this machine has"});
  expect_refused({"--hidden", "9000000000000000000"}, {"too large"});
}

TEST_F(BadInput, CodesBeyondMemory) {
  write_floats("few.npy", {2, 1}, {0, 1});
  ASSERT_EQ(train({"--data", "npy:few.npy", "--hidden", "50000", "--epochs", "0", "--out", "base"}).status, 0);
  const std::vector<std::uint8_t> bytes(4'000'000);
  write_npy(at("many.npy").string(), ConstTensorView(bytes.data(), DType::u8, Shape{4'000'000, 1}));
  expect_refused({"--data", "npy:many.npy", "--model", "base"}, {"GiB", "this machine has"});
}

TEST_F(BadInput, CombinationsThatDoNotFit) {
  expect_refused({"--activation", "relu"}, {"kl", "sigmoid", "relu"});
  expect_refused({"--loss", "bce", "--output-activation", "identity"}, {"bce", "sigmoid", "identity"});
  expect_refused({"--momentum", "0.9"}, {"momentum", "sgd"});
  expect_refused({"--optimizer", "sgd", "--nesterov"}, {"nesterov", "momentum"});
  expect_refused({"--force", "--resume"}, {"--force", "--resume"});
}

TEST_F(BadInput, UnitsKept) {
  expect_refused({"--k", "5"}, {"k is for --sparsity topk"});
  expect_refused({"--sparsity", "topk", "--k", "0"}, {"--k", "at least 1"});
  expect_refused({"--sparsity", "topk", "--k", "17"}, {"k is 17", "between 1 and the 16 units"});
  expect_refused({"--sparsity", "topk", "--k", "3", "--k-start", "17"}, {"k at the start is 17", "16 units"});
  expect_refused({"--sparsity", "topk", "--k", "3", "--k-factor", "0"}, {"--k-factor", "above 0"});
  expect_refused({"--sparsity", "topk", "--k", "3", "--k-anneal", "2"}, {"--k-anneal", "--k-start"});
}

TEST_F(BadInput, WeightsOfAnotherPenalty) {
  expect_refused({"--sparsity", "l1", "--rho", "0.2"}, {"rho is for --sparsity kl"});
  expect_refused({"--sparsity", "none", "--beta", "1"}, {"beta is for --sparsity kl"});
  expect_refused({"--sparsity", "kl", "--l1", "0.1"}, {"l1 is for --sparsity l1"});
}

TEST_F(BadInput, Convolutions) {
  const auto refused = [this](const std::string& text, const std::vector<std::string>& parts) {
    expect_error(run({"train", "--data", "synthetic:50", "--sparsity", "none", "--conv", text, "--out", "run"}), 2,
                 parts);
    EXPECT_FALSE(exists("run"));
  };
  refused("4:29", {"\"4:29\"", "empty", "29 x 29", "28 x 28"});
  refused("4:3:2,8:3:2,8:9", {"\"8:9\"", "empty", "9 x 9", "6 x 6"});
  refused("4", {"\"4\"", "CHANNELS:KERNEL"});
  refused("", {"--conv", "needs convolutions"});
  refused("4:3:0", {"\"0\"", "CHANNELS:KERNEL"});
  expect_refused({"--conv", "4:3", "--sparsity", "none"}, {"--conv", "--hidden"});
  expect_error(
      run({"train", "--data", "synthetic:50", "--sparsity", "none", "--conv", "4:3", "--tied", "--out", "run"}), 2,
      {"tied", "dense"});
  write_floats("flat.npy", {2, 4}, {0, 0, 0, 0, 0, 0, 0, 0});
  expect_error(run({"train", "--data", "npy:flat.npy", "--sparsity", "none", "--conv", "4:1", "--out", "run"}), 2,
               {"--conv", "[height, width]", "[4]"});
  EXPECT_FALSE(exists("run"));
}

TEST_F(BadInput, NoiseAndSchedules) {
  expect_refused({"--noise", "mask"}, {"--noise", "amount", "mask:0.3"});
  expect_refused({"--noise", "mask:1"}, {"--noise", "below 1"});
  expect_refused({"--noise", "masc:0.3"}, {"masc", "mask"});
  expect_refused({"--noise", "gaussian:-1"}, {"--noise", "at least 0"});
  expect_refused({"--noise", "shift"}, {"--noise", "amount", "shift:1"});
  expect_refused({"--noise", "shift:0.5"}, {"--noise", "whole number"});
  expect_refused({"--noise", "shift:28"}, {"[28, 28]", "28 pixels", "below 28"});
  write_floats("no_images.npy", {2, 4}, {0, 0, 0, 0, 0, 0, 0, 0});
  expect_refused({"--data", "npy:no_images.npy", "--noise", "shift:1"}, {"no_images.npy", "[4]", "images"});
  expect_refused({"--dropout", "1"}, {"--dropout", "below 1"});
  expect_refused({"--lr-schedule", "cosin"}, {"cosin", "cosine"});
  expect_refused({"--lr-schedule", "cosine", "--warmup", "2"}, {"cosine", "warm-up"});
  expect_refused({"--warmup", "1e300"}, {"--warmup", "at most"});
  expect_refused({"--patience", "2"}, {"--patience", "--validation"});
  expect_refused({"--validation", "300"}, {"--validation 300", "300 samples"});
}

TEST_F(BadInput, ACheckpointOfAnotherNetworkNamesBothShapes) {
  ASSERT_EQ(train({"--out", "wide"}).status, 0);
  ASSERT_EQ(train({"--out", "narrow", "--hidden", "8"}).status, 0);
  std::filesystem::copy_file(at("narrow/checkpoints/epoch-0002.safetensors"),
                             at("wide/checkpoints/epoch-0002.safetensors"),
                             std::filesystem::copy_options::overwrite_existing);
  expect_error(run({"train", "--resume", "--out", "wide", "--epochs", "3"}), 2,
               {"wide/checkpoints/epoch-0002.safetensors", "encoder.0.weight [8, 784]", "encoder.0.weight [16, 784]"});
}

TEST_F(BadInput, APrecisionOfGpusIsNotThatOfTheCpu) {
  expect_refused({"--device", "cpu", "--precision", "tf32"}, {"tf32", "GPUs", "use fp32"});
}

TEST_F(BadInput, ADeviceThatIsNotThereSaysWhyAndWhatToDo) {
  bool has_cuda = false;
  for (const DeviceDescription& device : list_devices().devices) has_cuda = has_cuda || device.kind == "cuda";
  const std::string missing = has_cuda ? "cuda:1000" : "cuda";
  expect_refused({"--device", missing}, {missing, "--device"});
}

TEST_F(BadInput, DataFiles) {
  expect_refused({"--data", "mnist"}, {"MNIST", "lacuna data fetch mnist"});
  expect_refused({"--data", "npy:missing.npy"}, {"missing.npy", "No such file"});
  write_text(at("empty.npy"), "");
  expect_refused({"--data", "npy:empty.npy"}, {"empty.npy", "empty"});
  write_text(at("short.idx"), std::string("\x00\x00\x08\x03\x00\x00", 6));
  expect_refused({"--data", "idx:short.idx"}, {"short.idx"});
  write_text(at("bad.idx.gz"), std::string("\x1f\x8b\x08\x00oh no this is not deflate", 28));
  expect_refused({"--data", "idx:bad.idx.gz"}, {"bad.idx.gz"});
  write_text(at("huge.safetensors"), std::string("\x00\x00\x00\x00\x00\x00\x00\x80{}", 10));
  expect_refused({"--data", "safetensors:huge.safetensors"}, {"huge.safetensors", "header"});
}

TEST_F(BadInput, ValuesThatCannotBeTrainedOn) {
  write_floats("nan.npy", {2, 4}, {0, 0, 0, 0, 0, 0, std::nanf(""), 0});
  expect_refused({"--data", "npy:nan.npy"}, {"nan.npy", "row 1", "column 2"});
  write_floats("two.npy", {2, 4}, {0, 0.5f, 0, 0, 0, 0, 0, 2});
  expect_refused({"--data", "npy:two.npy", "--loss", "bce"}, {"two.npy", "row 1", "column 3"});
  EXPECT_EQ(train({"--data", "npy:two.npy", "--out", "fine"}).status, 0);
}

TEST_F(BadInput, ModelsThatCannotBeUsed) {
  expect_error(run({"eval"}), 2, {"lacuna eval MODEL"});
  expect_error(run({"eval", "missing"}), 2, {"missing"});
  write_text(at("not.safetensors"), "this is no model");
  expect_error(run({"mosaic", "not.safetensors", "--out", "m.png"}), 2, {"not.safetensors"});
  expect_error(run({"mosaic", "not.safetensors"}), 2, {"--out"});
  expect_refused({"--init", "not.safetensors"}, {"not.safetensors"});
  expect_refused({"--init", "hee"}, {"--init", "hee", "he"});
}

TEST_F(BadInput, PlacesThatCannotBeWrittenTo) {
  write_text(at("file"), "");
  expect_error(train({"--out", "file"}), 2, {"file exists"});
  expect_error(train({"--out", "file/run"}), 2, {"file/run", "Not a directory"});
  expect_error(train({"--out", "/proc/lacuna-run"}), 2, {"/proc/lacuna-run"});
}

TEST_F(BadInput, AFullDiskLeavesNothingPartial) {
  ProgramOptions options;
  options.largest_file = 60'000;  // less than a checkpoint, more than anything written before it
  const ProgramResult result = train({"--out", "run"}, options);
  expect_error(result, 1, {"run/checkpoints/epoch-0001.safetensors", "File too large"});
  EXPECT_THAT(files_below(at("run")), ::testing::ElementsAre("config.toml", "metrics.jsonl"));
  options.largest_file = 200;  // less than config.toml
  expect_error(train({"--out", "other"}, options), 1, {"other/config.toml"});
  EXPECT_FALSE(exists("other"));
}

TEST_F(BadInput, ALossThatTurnsNanStopsTheRunAndKeepsTheLastGoodCheckpoint) {
  // Gradient descent on a quadratic with too long a step grows by a factor each time, and overflows after some epochs.
  const ProgramResult result =
      train({"--out", "run", "--optimizer", "sgd", "--lr", "0.05", "--sparsity", "none", "--activation", "identity",
             "--output-activation", "identity", "--epochs", "1000", "--batch", "300", "--weight-decay", "100"});
  expect_error(result, 1, {"at step ", "last good checkpoint: run/checkpoints/epoch-"});
  const std::size_t start = result.err.find("run/checkpoints/");
  const std::string path = result.err.substr(start, result.err.find(".safetensors", start) + 12 - start);
  const TrainingState state = load_checkpoint(at(path).string());
  for (const float value : state.model.parameters) ASSERT_TRUE(std::isfinite(value));
  // It is the newest one, and the loss of its parameters is a number.
  const auto files = files_below(at("run/checkpoints"));
  EXPECT_EQ("run/checkpoints/" + files.back(), path);
  const ProgramResult eval = run({"eval", path, "--sparsity", "none", "--data", "synthetic:300"});
  EXPECT_EQ(eval.status, 0) << eval.err;
  EXPECT_THAT(eval.out, ::testing::Not(HasSubstr("null")));
}

TEST_F(BadInput, DivergingAtOnceSaysThatThereIsNoCheckpoint) {
  const ProgramResult result = train({"--out", "run", "--lr", "1e38"});
  expect_error(result, 1, {"at step ", "no checkpoint yet"});
  EXPECT_THAT(files_below(at("run")), ::testing::ElementsAre("config.toml", "metrics.jsonl"));
}

}  // namespace

}  // namespace lacuna::test
