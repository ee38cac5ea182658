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

namespace lacuna::cli {

enum class Precision : std::uint8_t { fp32, tf32, bf16 };

/// Everything that can be said on the command line or in a configuration file; the defaults are the main job.
struct Settings {
  std::string data = "mnist";
  DataOptions data_options;  // its seed is `seed`
  std::vector<std::int64_t> hidden = {200};
  Activation activation = Activation::sigmoid;
  Activation output_activation = Activation::sigmoid;
  std::string init = "xavier-uniform";
  Objective objective;
  Optimizer optimizer;
  std::int64_t batch = 100;
  std::int64_t epochs = 20;
  bool shuffle = true;
  std::uint64_t seed = 0;
  std::string device = "auto";
  int threads = 0;
  Precision precision = Precision::fp32;
  std::int64_t checkpoint_every = 0;
  std::int64_t keep_checkpoints = 0;
  std::string out;
  bool force = false;
  bool resume = false;
};

const char* to_string(Precision precision);

/// What a configuration file may hold for a setting, and how it is written there.
enum class ValueType : std::uint8_t { integer, number, integers, text, flag };

/// The commands a setting belongs to; bits of Setting::commands.
enum CommandBit : unsigned { kTrain = 1, kEval = 2, kEncode = 4, kReconstruct = 8, kDataInfo = 16 };

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

/// Whether config.toml and a model's metadata name this setting for this run.
bool is_recorded(const Setting& setting, const Settings& settings);

}  // namespace lacuna::cli
