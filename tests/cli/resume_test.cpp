#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "cli/cli_test.h"
#include "lacuna/safetensors.h"

namespace lacuna::test {

namespace {

using ::testing::HasSubstr;

class Resume : public CliTest {
 protected:
  /// Many short steps, so that there is time to interrupt them.
  ProgramResult train_long(const Arguments& more, const ProgramOptions& options = {}) {
    Arguments all{"--data", "synthetic:1500", "--batch", "1", "--epochs", "6", "--checkpoint-every", "700"};
    all.insert(all.end(), more.begin(), more.end());
    return train(all, options);
  }

  /// Sends a signal as soon as there is a checkpoint.
  ProgramOptions signal_after_first_checkpoint(const std::string& directory, int signal) {
    ProgramOptions options;
    options.while_running = [this, directory, signal](pid_t child) {
      for (int i = 0; i < 60'000 && !has_checkpoint(directory); ++i)
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
      ::kill(child, signal);
    };
    return options;
  }

  bool has_checkpoint(const std::string& directory) {
    if (!exists(directory + "/checkpoints")) return false;
    for (const std::string& name : files_below(at(directory + "/checkpoints")))
      if (name.ends_with(".safetensors")) return true;
    return false;
  }

  static void expect_same_tensors(const std::filesystem::path& a, const std::filesystem::path& b) {
    const SafetensorsFile one = SafetensorsFile::open(a.string()), two = SafetensorsFile::open(b.string());
    ASSERT_EQ(one.tensors().size(), two.tensors().size());
    for (const NamedTensor& tensor : one.tensors()) {
      const NamedTensor* other = two.find(tensor.name);
      ASSERT_NE(other, nullptr) << tensor.name;
      ASSERT_EQ(tensor.view.shape, other->view.shape) << tensor.name;
      EXPECT_EQ(std::memcmp(tensor.view.data, other->view.data, static_cast<std::size_t>(tensor.view.bytes())), 0)
          << tensor.name;
    }
  }

  /// metrics.jsonl without what is measured by the clock.
  std::vector<nlohmann::json> metrics(const std::string& directory) {
    std::vector<nlohmann::json> lines;
    std::istringstream stream(read_text(at(directory + "/metrics.jsonl")));
    for (std::string line; std::getline(stream, line);) {
      lines.push_back(nlohmann::json::parse(line));
      lines.back().erase("seconds");
      lines.back().erase("samples_per_second");
    }
    return lines;
  }
};

TEST_F(Resume, AnInterruptedRunEndsWithTheSameBitsAsOneThatWasNot) {
  ASSERT_EQ(train_long({"--out", "whole"}).status, 0);
  const ProgramResult stopped = train_long({"--out", "parts"}, signal_after_first_checkpoint("parts", SIGINT));
  ASSERT_EQ(stopped.status, 130) << stopped.err;
  EXPECT_THAT(stopped.err, HasSubstr("--resume"));
  EXPECT_EQ(nlohmann::json::parse(stopped.out)["status"], "interrupted");
  EXPECT_TRUE(exists("parts/model.safetensors"));
  const ProgramResult again = run({"train", "--resume", "--out", "parts", "--threads", "1"});
  ASSERT_EQ(again.status, 0) << again.err;
  EXPECT_THAT(again.err, HasSubstr("steps done"));
  expect_same_tensors(at("whole/model.safetensors"), at("parts/model.safetensors"));
  expect_same_tensors(at("whole/checkpoints/epoch-0006.safetensors"), at("parts/checkpoints/epoch-0006.safetensors"));
  ASSERT_EQ(metrics("whole").size(), 6u);
  EXPECT_EQ(metrics("whole"), metrics("parts"));
}

TEST_F(Resume, SigtermEndsARunToo) {
  const ProgramResult stopped = train_long({"--out", "run"}, signal_after_first_checkpoint("run", SIGTERM));
  EXPECT_EQ(stopped.status, 143) << stopped.err;
  EXPECT_TRUE(exists("run/model.safetensors"));
}

TEST_F(Resume, TheSecondSignalKills) {
  ProgramOptions options;
  options.while_running = [&](pid_t child) {
    for (int i = 0; i < 60'000 && !exists("run/metrics.jsonl"); ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    ::kill(child, SIGINT);
    const std::string status = "/proc/" + std::to_string(child) + "/status";
    // Two of a kind that wait are one.
    for (int i = 0; i < 60'000 && read_text(status).find("ShdPnd:\t0000000000000000") == std::string::npos; ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    ::kill(child, SIGINT);
  };
  // All samples in each step, so that it has not ended yet.
  EXPECT_EQ(run({"train", "--data", "synthetic:6000", "--hidden", "3000", "--optimizer", "lbfgs", "--epochs", "100",
                 "--threads", "1", "--out", "run"},
                options)
                .status,
            1000 + SIGINT);
}

/// A handler would run on the stack of the thread it interrupts, and while oneDNN computes a product that is the heap.
TEST_F(Resume, NoThreadThatComputesHandlesASignal) {
  std::vector<std::string> threads;
  ProgramOptions options;
  options.while_running = [&](pid_t child) {
    for (int i = 0; i < 60'000 && !has_checkpoint("run"); ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    for (const auto& task : std::filesystem::directory_iterator("/proc/" + std::to_string(child) + "/task"))
      threads.push_back(read_text(task.path() / "status"));
    ::kill(child, SIGINT);
  };
  ASSERT_EQ(train_long({"--out", "run", "--epochs", "1000", "--threads", "2"}, options).status, 130);
  const auto set_of = [](const std::string& status, const std::string& name) {
    return std::stoull(status.substr(status.find(name) + name.size()), nullptr, 16);
  };
  constexpr auto kStop = std::uint64_t{1} << (SIGINT - 1) | std::uint64_t{1} << (SIGTERM - 1);
  EXPECT_GE(threads.size(), 3u) << "two compute, one receives";
  int receiving = 0;
  for (const std::string& status : threads) {
    if ((set_of(status, "SigBlk:") & kStop) != kStop) ++receiving;  // sigwait() unblocks what it waits for
    EXPECT_EQ(set_of(status, "SigCgt:") & kStop, 0u) << status;
  }
  EXPECT_EQ(receiving, 1);
}

TEST_F(Resume, AKilledRunGoesOnFromItsLastCheckpoint) {
  ASSERT_EQ(train_long({"--out", "whole"}).status, 0);
  const ProgramResult killed = train_long({"--out", "parts"}, signal_after_first_checkpoint("parts", SIGKILL));
  ASSERT_EQ(killed.status, 1000 + SIGKILL);
  write_text(at("parts/checkpoints/epoch-0009.safetensors.tmp-1-0"), "half a file");
  const ProgramResult again = run({"train", "--resume", "--out", "parts", "--threads", "1"});
  ASSERT_EQ(again.status, 0) << again.err;
  expect_same_tensors(at("whole/model.safetensors"), at("parts/model.safetensors"));
  EXPECT_EQ(metrics("whole"), metrics("parts"));
  EXPECT_FALSE(exists("parts/checkpoints/epoch-0009.safetensors.tmp-1-0"));
}

TEST_F(Resume, MoreEpochsThanTheFirstTime) {
  ASSERT_EQ(train({"--out", "whole", "--epochs", "4"}).status, 0);
  ASSERT_EQ(train({"--out", "parts", "--epochs", "2"}).status, 0);
  ASSERT_EQ(run({"train", "--resume", "--out", "parts", "--epochs", "4"}).status, 0);
  EXPECT_EQ(read_text(at("whole/model.safetensors")), read_text(at("parts/model.safetensors")));
  EXPECT_THAT(read_text(at("parts/config.toml")), HasSubstr("epochs = 4\n"));
  EXPECT_EQ(metrics("whole"), metrics("parts"));
}

TEST_F(Resume, ACorruptNewestCheckpointIsReportedAndTheOneBeforeUsed) {
  ASSERT_EQ(train({"--out", "whole", "--epochs", "4"}).status, 0);
  ASSERT_EQ(train({"--out", "parts", "--epochs", "3"}).status, 0);
  const std::string newest = "parts/checkpoints/epoch-0003.safetensors";
  write_text(at(newest), read_text(at(newest)).substr(0, 5000));
  const ProgramResult again = run({"train", "--resume", "--out", "parts", "--epochs", "4", "--threads", "1"});
  ASSERT_EQ(again.status, 0) << again.err;
  EXPECT_THAT(again.err, HasSubstr("warning: "));
  EXPECT_THAT(again.err, HasSubstr(newest));
  EXPECT_THAT(again.err, HasSubstr("epoch-0002.safetensors"));
  EXPECT_EQ(read_text(at("whole/model.safetensors")), read_text(at("parts/model.safetensors")));
  EXPECT_EQ(metrics("whole"), metrics("parts"));
}

TEST_F(Resume, OnlyEpochsDeviceAndThreadsMayDiffer) {
  ASSERT_EQ(train({"--out", "run"}).status, 0);
  const std::string before = read_text(at("run/config.toml"));
  expect_error(run({"train", "--resume", "--out", "run", "--batch", "50"}), 2, {"batch", "50", "100", "config.toml"});
  expect_error(run({"train", "--resume", "--out", "run", "--lr", "0.5"}), 2, {"lr", "0.5", "0.001"});
  EXPECT_EQ(read_text(at("run/config.toml")), before);
  const ProgramResult same =
      run({"train", "--resume", "--out", "run", "--lr", "1e-3", "--threads", "2", "--device", "cpu", "--epochs", "3"});
  EXPECT_EQ(same.status, 0) << same.err;
}

TEST_F(Resume, OtherDataOfTheSameNameAreRefused) {
  ASSERT_EQ(train({"--out", "source"}).status, 0);
  ASSERT_EQ(run({"reconstruct", "source", "--out", "d.npy", "--limit", "290"}).status, 0);
  ASSERT_EQ(train({"--out", "run", "--data", "npy:d.npy"}).status, 0);
  ASSERT_EQ(run({"reconstruct", "source", "--out", "d.npy"}).status, 0);
  expect_error(run({"train", "--resume", "--out", "run", "--epochs", "3"}), 2, {"290", "300"});
}

TEST_F(Resume, ACompleteRunSaysSo) {
  ASSERT_EQ(train({"--out", "run"}).status, 0);
  const std::string model = read_text(at("run/model.safetensors"));
  const ProgramResult again = run({"train", "--resume", "--out", "run"});
  EXPECT_EQ(again.status, 0) << again.err;
  EXPECT_THAT(again.err, HasSubstr("already complete"));
  EXPECT_EQ(read_text(at("run/model.safetensors")), model);
  EXPECT_EQ(metrics("run").size(), 2u);
}

TEST_F(Resume, AMetricsLineThatLostItsNewlineIsMended) {
  ASSERT_EQ(train({"--out", "run"}).status, 0);
  std::string text = read_text(at("run/metrics.jsonl"));
  text.pop_back();
  write_text(at("run/metrics.jsonl"), text);
  ASSERT_EQ(run({"train", "--resume", "--out", "run", "--epochs", "3"}).status, 0);
  EXPECT_EQ(metrics("run").size(), 3u);
  EXPECT_TRUE(read_text(at("run/metrics.jsonl")).starts_with(text + "\n"));
}

TEST_F(Resume, WithoutACheckpointItStartsAfresh) {
  const ProgramResult fresh = train({"--out", "run", "--resume"});
  ASSERT_EQ(fresh.status, 0) << fresh.err;
  EXPECT_THAT(fresh.err, HasSubstr("starting afresh"));
  const std::string model = read_text(at("run/model.safetensors"));
  std::filesystem::remove_all(at("run/checkpoints"));
  const ProgramResult again = run({"train", "--resume", "--out", "run"});
  ASSERT_EQ(again.status, 0) << again.err;
  EXPECT_THAT(again.err, HasSubstr("starting afresh"));
  EXPECT_EQ(read_text(at("run/model.safetensors")), model);
  EXPECT_EQ(metrics("run").size(), 2u);
  std::filesystem::remove(at("run/config.toml"));
  expect_error(run({"train", "--resume", "--out", "run"}), 2, {"config.toml", "missing"});
}

TEST_F(Resume, NothingIsLostWhenNoCheckpointCanBeUsed) {
  ASSERT_EQ(train({"--out", "run"}).status, 0);
  const std::string model = read_text(at("run/model.safetensors"));
  for (const auto& entry : std::filesystem::directory_iterator(at("run/checkpoints")))
    std::ofstream(entry.path(), std::ios::trunc) << "broken";
  expect_error(run({"train", "--resume", "--out", "run"}), 2, {"none of the checkpoints", "--force"});
  EXPECT_EQ(read_text(at("run/model.safetensors")), model);
  EXPECT_EQ(metrics("run").size(), 2u);
}

TEST_F(Resume, ADirectoryWithAModelButNoRunIsLeftAlone) {
  std::filesystem::create_directory(at("mine"));
  std::ofstream(at("mine/model.safetensors")) << "precious";
  expect_error(train({"--out", "mine", "--resume"}), 2, {"not a run's directory"});
  EXPECT_EQ(read_text(at("mine/model.safetensors")), "precious");
}

TEST_F(Resume, FilesOfNoRunAreLeftAlone) {
  for (const char* name : {"report.html", "input.png"}) {
    std::filesystem::create_directory(at("mine"));
    write_text(at("mine") / name, "precious");
    expect_error(train({"--out", "mine", "--resume"}), 2, {name, "not a run's directory"});
    EXPECT_EQ(read_text(at("mine") / name), "precious");
    std::filesystem::remove_all(at("mine"));
  }
  std::filesystem::create_directory(at("empty"));
  EXPECT_EQ(train({"--out", "empty", "--resume"}).status, 0);
}

TEST_F(Resume, ForceDoesNotRemoveWhatTheRunBeginsFrom) {
  ASSERT_EQ(train({"--out", "run"}).status, 0);
  const std::string model = read_text(at("run/model.safetensors"));
  const std::string checkpoint = "run/checkpoints/epoch-0001.safetensors";
  expect_error(train({"--out", "run", "--force", "--model", "run"}), 2, {"run/model.safetensors", "--model", "--out"});
  expect_error(train({"--out", "run", "--force", "--init", checkpoint}), 2, {checkpoint, "--init", "--out"});
  EXPECT_EQ(read_text(at("run/model.safetensors")), model);
  EXPECT_TRUE(exists(checkpoint));
  ASSERT_EQ(train({"--out", "other"}).status, 0);
  EXPECT_EQ(train({"--out", "run", "--force", "--model", "other", "--hidden", "4"}).status, 0);
}

TEST_F(Resume, FewerEpochsThanAreDoneAreNotRecorded) {
  ASSERT_EQ(train({"--out", "run", "--epochs", "3"}).status, 0);
  const std::string model = read_text(at("run/model.safetensors"));
  const ProgramResult again = run({"train", "--resume", "--out", "run", "--epochs", "1"});
  ASSERT_EQ(again.status, 0) << again.err;
  EXPECT_THAT(read_text(at("run/config.toml")), HasSubstr("epochs = 3\n"));
  EXPECT_EQ(read_text(at("run/model.safetensors")), model);
}

TEST_F(Resume, TheFileItBeganFromNeedNotBeThereAnyMore) {
  ASSERT_EQ(train({"--out", "first"}).status, 0);
  std::filesystem::copy_file(at("first/model.safetensors"), at("init.safetensors"));
  ASSERT_EQ(train({"--out", "run", "--init", "init.safetensors"}).status, 0);
  std::filesystem::remove(at("init.safetensors"));
  const ProgramResult more = run({"train", "--resume", "--out", "run", "--epochs", "3"});
  EXPECT_EQ(more.status, 0) << more.err;
  EXPECT_EQ(metrics("run").size(), 3u);
}

TEST_F(Resume, TwoRunsDoNotShareADirectory) {
  ProgramOptions options;
  ProgramResult second;
  options.while_running = [&](pid_t child) {
    for (int i = 0; i < 60'000 && !has_checkpoint("run"); ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    second = run({"train", "--resume", "--out", "run"});
    ::kill(child, SIGINT);
  };
  const ProgramResult first = train_long({"--out", "run", "--epochs", "1000"}, options);
  EXPECT_EQ(first.status, 130) << first.err;
  expect_error(second, 2, {"run is in use"});
}

}  // namespace

}  // namespace lacuna::test
