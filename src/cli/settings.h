#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "lacuna/data.h"
#include "lacuna/model.h"
#include "lacuna/objective.h"
#include "lacuna/optimizer.h"
#include "lacuna/trainer.h"

namespace lacuna::cli {

/// The commands a setting belongs to; bits of Setting::commands.
enum CommandBit : unsigned {
  kTrain = 1,
  kEval = 2,
  kEncode = 4,
  kReconstruct = 8,
  kDataInfo = 16,
  kClassify = 32,
  kFinetune = 64,
  kSemi = kTrain | kClassify | kFinetune  // a pipeline of the three: whatever one of them takes
};

/// Everything that can be said on the command line or in a configuration file; the defaults are the main job.
struct Settings {
  CommandBit command = kTrain;  // whose settings these are
  std::string data = "mnist";
  DataOptions data_options = {.stream = Streaming::automatic};  // its seed is `seed`
  std::vector<std::int32_t> classes;                            // only samples of these; empty: all
  std::int64_t labels = 0;      // only so many samples, balanced over the classes; 0: all
  bool draw_labels = false;     // drawn by the seed, not the first of each class
  std::int64_t validation = 0;  // samples held out
  std::string test = "auto";
  std::string model;  // train: whose codes to train on; classify, finetune: whose encoder
  bool random = false;
  std::string teacher;       // finetune: whose guesses stand in for the labels left over
  double confidence = 0.95;  // ... where it is at least so sure
  std::int64_t repeat = 1;   // ... beside the true labels, each taken so many times
  bool recompute = false;
  std::vector<std::int64_t> hidden = {200};
  Activation activation = Activation::sigmoid;
  Activation output_activation = Activation::sigmoid;
  std::vector<std::string> convolutions;  // "16:3:2:1", ... in place of `hidden`
  bool tied = false;
  std::string init = "xavier-uniform";
  Objective objective;
  std::int64_t k = 25;        // topk: units kept per sample in training
  double k_factor = 1.0;      // topk: in evaluation, k times this, rounded up
  std::int64_t k_start = 0;   // topk: units kept in the first step; 0: k
  std::int64_t k_anneal = 0;  // topk: epochs within which that falls to k
  InputNoise noise;
  double dropout = 0.0;
  Optimizer optimizer;
  std::int64_t batch = 100;
  std::int64_t epochs = 20;
  std::int64_t patience = 0;
  std::int64_t test_every = 1;
  double warmup = 0.0;    // epochs
  double lr_every = 1.0;  // epochs
  bool shuffle = true;
  std::uint64_t seed = 0;
  std::string device = "auto";
  BackendOptions backend;
  std::int64_t checkpoint_every = 0;
  std::int64_t keep_checkpoints = 0;
  std::string out;
  bool force = false;
  bool resume = false;
  bool tensorboard = false;
  bool profile = false;
};

/// What a configuration file may hold for a setting, and how it is written there.
enum class ValueType : std::uint8_t { integer, number, integers, text, flag };

/// One row for each setting: its word on the command line and in files, its help, and how it is read and shown.
struct Setting {
  const char* name;
  const char* group;
  const char* metavar;
  const char* help;
  ValueType type;
  unsigned commands;
  bool recorded;  ///< part of a run's config.toml
  /// Throws InputError saying what is wrong with the text, without saying where it came from.
  void (*assign)(Settings&, std::string_view text);
  std::string (*show)(const Settings&);
};

const std::vector<Setting>& all_settings();
const Setting* find_setting(std::string_view name);

/// A value as somebody wrote it, and where.
struct GivenValue {
  std::string text;
  std::string where;  ///< "--epochs", "train.toml:3: epochs"
};
using GivenValues = std::map<std::string, GivenValue>;

/// Puts values in, checking each one. Throws InputError with `where` in front.
void apply_values(Settings& settings, const GivenValues& values);

/// Whether --init names a model file and not a scheme.
bool is_init_file(std::string_view init);

/// What has no meaning for --optimizer lbfgs.
constexpr const char* kNotForLbfgs[] = {"lr", "lr-schedule", "lr-factor", "lr-every", "warmup", "batch", "shuffle"};

/// Whether config.toml and a model's metadata name this setting for this run.
bool is_recorded(const Setting& setting, const Settings& settings);

}  // namespace lacuna::cli
