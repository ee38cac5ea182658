// --stream and --window: samples that stay in their file.

#include <filesystem>
#include <limits>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "cli/cli_test.h"
#include "lacuna/npy.h"

namespace lacuna::test {

namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class StreamCli : public CliTest {
 protected:
  StreamCli() {
    std::vector<float> values(kRows * kColumns);
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i * 7919 % 4096) / 4096.0f;
    write_npy(data().string(), ConstTensorView(values.data(), DType::f32, {kRows, kColumns}));
  }
  static constexpr std::int64_t kRows = 500, kColumns = 16;

  std::filesystem::path data() const { return at("x.npy"); }
  ProgramResult train_on(const std::string& out, const Arguments& more, const ProgramOptions& options = {}) const {
    Arguments all{"--data", "npy:" + data().string(), "--hidden", "4", "--batch", "10", "--out", out};
    all.insert(all.end(), more.begin(), more.end());
    return train(all, options);
  }
  std::string model(const std::string& out) const { return read_text(at(out + "/model.safetensors")); }
  std::string losses(const std::string& out) const {
    std::string all;
    std::istringstream lines(read_text(at(out + "/metrics.jsonl")));
    for (std::string line; std::getline(lines, line);) all += nlohmann::json::parse(line)["loss"].dump() + " ";
    return all;
  }
};

TEST_F(StreamCli, TrainsAsInMemoryWhereTheOrderIsTheSame) {
  const ProgramResult memory = train_on("memory", {});
  ASSERT_EQ(memory.status, 0) << memory.err;
  EXPECT_THAT(memory.err, Not(HasSubstr("stream"))) << "small data are read into memory";
  const ProgramResult all = train_on("all", {"--stream", "on", "--window", "500"});
  ASSERT_EQ(all.status, 0) << all.err;
  EXPECT_THAT(all.err, HasSubstr("float32, streamed"));
  EXPECT_THAT(all.err, HasSubstr("in 1 windows of up to 500"));
  EXPECT_EQ(model("all"), model("memory"));
  EXPECT_EQ(losses("all"), losses("memory"));

  ASSERT_EQ(train_on("rows", {"--shuffle", "off"}).status, 0);
  ASSERT_EQ(train_on("window", {"--shuffle", "off", "--stream", "on", "--window", "30"}).status, 0);
  EXPECT_EQ(model("window"), model("rows"));
  ASSERT_EQ(train_on("shuffled", {"--stream", "on", "--window", "64"}).status, 0);
  EXPECT_NE(model("shuffled"), model("memory"));
}

TEST_F(StreamCli, NamesTheTypeInTheFile) {
  const std::vector<std::uint16_t> values(kRows * kColumns, 0x3F00);  // 1/2
  write_npy(data().string(), ConstTensorView(values.data(), DType::bf16, {kRows, kColumns}));
  const std::string source = "npy:" + data().string();
  EXPECT_THAT(run({"data", "info", source}).out,
              AllOf(HasSubstr("500 of [16] = 16 values, bfloat16 read as float32"), HasSubstr("mean 0.5")));
  const auto json = nlohmann::json::parse(run({"data", "info", source, "--json"}).out);
  EXPECT_EQ(json["stored_dtype"], "bfloat16");
  EXPECT_EQ(json["dtype"], "float32");
  EXPECT_THAT(train_on("memory", {}).err, HasSubstr("bfloat16 read as float32\n"));
  EXPECT_THAT(train_on("all", {"--stream", "on", "--window", "500"}).err,
              HasSubstr("bfloat16 read as float32, streamed"));
  EXPECT_EQ(model("all"), model("memory"));
}

TEST_F(StreamCli, GoesOnInTheMiddleOfAnEpochWithTheSameBits) {
  const Arguments window{"--stream", "on", "--window", "64", "--epochs", "2", "--checkpoint-every", "70"};
  ASSERT_EQ(train_on("whole", window).status, 0);
  ASSERT_EQ(train_on("cut", window).status, 0);
  for (const char* file : {"epoch-0002", "epoch-0001-step-00000090"})
    std::filesystem::remove(at(std::string("cut/checkpoints/") + file + ".safetensors"));
  ASSERT_TRUE(exists("cut/checkpoints/epoch-0001-step-00000070.safetensors"));
  const ProgramResult resumed = run({"train", "--resume", "--out", "cut"});
  ASSERT_EQ(resumed.status, 0) << resumed.err;
  EXPECT_THAT(resumed.err, HasSubstr("70 steps done"));
  EXPECT_THAT(resumed.err, HasSubstr("streamed")) << "as it was recorded";
  EXPECT_EQ(model("cut"), model("whole"));
  EXPECT_EQ(losses("cut"), losses("whole"));
}

TEST_F(StreamCli, WhatDecidesTheOrderCannotChangeOnResuming) {
  ASSERT_EQ(train_on("run", {"--stream", "on", "--window", "64"}).status, 0);
  EXPECT_THAT(read_text(at("run/config.toml")), HasSubstr("stream = \"on\"\nwindow = \"64\"\n"));
  expect_error(run({"train", "--resume", "--out", "run", "--window", "65"}), 2,
               {"cannot resume with another window", "--window says 65", "has 64"});
  expect_error(run({"train", "--resume", "--out", "run", "--stream", "off"}), 2, {"cannot resume with another stream"});
  EXPECT_EQ(run({"train", "--resume", "--out", "run", "--stream", "auto", "--epochs", "3"}).status, 0);
  ASSERT_EQ(train_on("memory", {}).status, 0);
  EXPECT_THAT(read_text(at("memory/config.toml")), Not(HasSubstr("window")));
  expect_error(run({"train", "--resume", "--out", "memory", "--stream", "on"}), 2,
               {"cannot resume with another stream"});
}

TEST_F(StreamCli, HoldsOutAndEvaluatesAndEncodes) {
  ASSERT_EQ(train_on("memory", {"--validation", "77", "--shuffle", "off"}).status, 0);
  ASSERT_EQ(train_on("run", {"--validation", "77", "--shuffle", "off", "--stream", "on", "--window", "50"}).status, 0);
  EXPECT_EQ(model("run"), model("memory"));
  const auto of = [&](const Arguments& more) {
    Arguments all{"eval", "run", "--threads", "1"};
    all.insert(all.end(), more.begin(), more.end());
    return run(all).out;
  };
  EXPECT_NE(of({}), "");
  EXPECT_EQ(of({"--stream", "on", "--window", "33"}), of({}));
  for (const char* stream : {"on", "off"}) {
    const std::string name = std::string(stream) + ".npy";
    ASSERT_EQ(run({"encode", "run", "--stream", stream, "--threads", "1", "--out", "codes-" + name}).status, 0);
    ASSERT_EQ(run({"reconstruct", "run", "--stream", stream, "--threads", "1", "--out", "again-" + name}).status, 0);
  }
  EXPECT_EQ(read_text(at("codes-on.npy")), read_text(at("codes-off.npy")));
  EXPECT_EQ(read_text(at("again-on.npy")), read_text(at("again-off.npy")));
}

TEST_F(StreamCli, RefusesWhatItCannotDo) {
  expect_error(train({"--stream", "on", "--out", "run"}), 2, {"synthetic cannot be streamed", "leave --stream on out"});
  expect_error(train_on("run", {"--stream", "maybe"}), 2, {"--stream", "unknown choice \"maybe\"", "auto, on, off"});
  for (const char* wrong : {"0", "-1", "12KB", "MiB", "0MiB", "99999999999GiB"})
    expect_error(train_on("run", {"--stream", "on", "--window", wrong}), 2, {"--window"});
  expect_error(train_on("run", {"--stream", "off", "--window", "5"}), 2, {"--window is for samples that are streamed"});
  expect_error(train({"--data", "npy:" + data().string(), "--stream", "on", "--optimizer", "lbfgs", "--out", "run"}), 2,
               {"lbfgs takes all samples at once", "is streamed"});
  EXPECT_FALSE(exists("run"));
}

/// The file is cut short while a run reads it: no signal, the offset, and the last checkpoint stands.
TEST_F(StreamCli, AFileThatIsCutShortEndsTheRunAndLeavesItsCheckpoints) {
  ProgramOptions options;
  options.while_running = [this](pid_t) {
    for (int i = 0; i < 60'000 && !exists("run/checkpoints/epoch-0001.safetensors"); ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    std::filesystem::resize_file(data(), 20'000);
  };
  const ProgramResult result = train_on("run", {"--stream", "on", "--window", "64", "--epochs", "1000000"}, options);
  expect_error(result, 1, {"x.npy was cut short while it was read: nothing is left at byte ", "instead of 32128"});
  EXPECT_TRUE(exists("run/checkpoints/epoch-0001.safetensors"));
  EXPECT_FALSE(exists("run/model.safetensors"));
}

TEST_F(StreamCli, AValueThatCannotBeUsedIsNamed) {
  std::vector<float> values(kRows * kColumns, 0.5f);
  values[123 * kColumns + 4] = std::numeric_limits<float>::quiet_NaN();
  write_npy(data().string(), ConstTensorView(values.data(), DType::f32, {kRows, kColumns}));
  expect_error(train_on("run", {"--stream", "on", "--window", "64"}), 2,
               {"x.npy: row 123, column 4 is nan: values must be finite"});
}

}  // namespace

}  // namespace lacuna::test
