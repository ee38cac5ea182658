#include "cli/settings.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "cli/parse.h"
#include "core/words.h"
#include "io/printable.h"
#include "lacuna/error.h"

namespace lacuna::cli {

namespace {

constexpr words::Table<Split, 2> kSplits{{{Split::train, "train"}, {Split::test, "test"}}};
constexpr words::Table<Precision, 3> kPrecisions{
    {{Precision::fp32, "fp32"}, {Precision::tf32, "tf32"}, {Precision::bf16, "bf16"}}};
constexpr int kMostThreads = 4096;

double at_least_zero(std::string_view text) {
  const double value = parse_number(text);
  if (value < 0) throw InputError(fmt::format("must be at least 0, not {}", text));
  return value;
}

double above_zero(std::string_view text) {
  const double value = parse_number(text);
  if (!(value > 0)) throw InputError(fmt::format("must be above 0, not {}", text));
  return value;
}

double inside_unit(std::string_view text) {
  const double value = parse_number(text);
  if (!(value > 0 && value < 1)) throw InputError(fmt::format("must lie between 0 and 1, both excluded, not {}", text));
  return value;
}

double momentum_value(std::string_view text) {
  const double value = parse_number(text);
  if (!(value >= 0 && value < 1)) throw InputError(fmt::format("must be at least 0 and below 1, not {}", text));
  return value;
}

std::string not_empty(std::string_view text, const char* what) {
  if (text.empty()) throw InputError(fmt::format("needs {}", what));
  return std::string(text);
}

/// A file is taken as it is; a scheme must be a known one.
std::string init_value(std::string_view text) {
  if (!is_init_file(text)) parse_init(text);
  return std::string(text);
}

std::string on_off(bool value) {
  return value ? "on" : "off";
}

constexpr unsigned kReadsData = kTrain | kEval | kEncode | kReconstruct;

std::vector<Setting> make_settings() {
  using S = Settings;
  using V = std::string_view;
  using T = ValueType;
  return {
      {"data", "Data", "SOURCE",
       "mnist[:DIR] | idx:IMAGES[,LABELS] | npy:FILE | safetensors:FILE[#TENSOR] | synthetic[:N]", T::text, kReadsData,
       true, [](S& s, V v) { s.data = not_empty(v, "a data source"); }, [](const S& s) { return s.data; }},
      {"split", "Data", "NAME", "train | test", T::text, kReadsData | kDataInfo, true,
       [](S& s, V v) { s.data_options.split = words::parse(kSplits, "split", v); },
       [](const S& s) { return std::string(words::word_of(kSplits, s.data_options.split)); }},
      {"limit", "Data", "N", "use the first N samples; 0: all", T::integer, kReadsData | kDataInfo, true,
       [](S& s, V v) { s.data_options.limit = parse_integer(v, 0); },
       [](const S& s) { return std::to_string(s.data_options.limit); }},

      {"hidden", "Network", "UNITS,...", "units of each encoder layer; the last one is the code", T::integers, kTrain,
       true, [](S& s, V v) { s.hidden = parse_integers(v, 1); },
       [](const S& s) { return fmt::format("{}", fmt::join(s.hidden, ",")); }},
      {"activation", "Network", "NAME", "hidden layers: sigmoid | relu | identity", T::text, kTrain, true,
       [](S& s, V v) { s.activation = parse_activation(v); },
       [](const S& s) { return std::string(to_string(s.activation)); }},
      {"output-activation", "Network", "NAME", "last decoder layer: sigmoid | relu | identity", T::text, kTrain, true,
       [](S& s, V v) { s.output_activation = parse_activation(v); },
       [](const S& s) { return std::string(to_string(s.output_activation)); }},
      {"init", "Network", "SCHEME|FILE",
       "xavier-uniform | ufldl | normal[:SIGMA] | he, or a model file (.safetensors) to begin with", T::text, kTrain,
       true, [](S& s, V v) { s.init = init_value(v); }, [](const S& s) { return s.init; }},

      {"loss", "Objective", "NAME", "squared | half-squared | bce", T::text, kTrain | kEval, true,
       [](S& s, V v) { s.objective.loss = parse_loss(v); },
       [](const S& s) { return std::string(to_string(s.objective.loss)); }},
      {"reduction", "Objective", "NAME", "sum | sample | element", T::text, kTrain | kEval, true,
       [](S& s, V v) { s.objective.reduction = parse_reduction(v); },
       [](const S& s) { return std::string(to_string(s.objective.reduction)); }},
      {"sparsity", "Objective", "NAME", "none | kl | l1 (topk is not built yet)", T::text, kTrain | kEval, true,
       [](S& s, V v) { s.objective.sparsity = parse_sparsity(v); },
       [](const S& s) { return std::string(to_string(s.objective.sparsity)); }},
      {"rho", "Objective", "NUMBER", "kl: wanted mean activation, between 0 and 1", T::number, kTrain | kEval, true,
       [](S& s, V v) { s.objective.rho = inside_unit(v); },
       [](const S& s) { return fmt::format("{}", s.objective.rho); }},
      {"beta", "Objective", "NUMBER", "kl: weight of the penalty", T::number, kTrain | kEval, true,
       [](S& s, V v) { s.objective.beta = at_least_zero(v); },
       [](const S& s) { return fmt::format("{}", s.objective.beta); }},
      {"l1", "Objective", "NUMBER", "l1: weight of the penalty", T::number, kTrain | kEval, true,
       [](S& s, V v) { s.objective.l1 = at_least_zero(v); },
       [](const S& s) { return fmt::format("{}", s.objective.l1); }},
      {"k", "Objective", "N", "topk: units kept per sample (not built yet)", T::integer, kTrain | kEval, true,
       [](S& s, V v) { s.objective.k = parse_integer(v, 1); },
       [](const S& s) { return std::to_string(s.objective.k); }},
      {"weight-decay", "Objective", "NUMBER", "lambda: weights (not biases) are pulled towards 0", T::number,
       kTrain | kEval, true, [](S& s, V v) { s.objective.weight_decay = at_least_zero(v); },
       [](const S& s) { return fmt::format("{}", s.objective.weight_decay); }},

      {"optimizer", "Training", "NAME", "adam | sgd (lbfgs is not built yet)", T::text, kTrain, true,
       [](S& s, V v) { s.optimizer.kind = parse_optimizer(v); },
       [](const S& s) { return std::string(to_string(s.optimizer.kind)); }},
      {"lr", "Training", "NUMBER", "learning rate", T::number, kTrain, true,
       [](S& s, V v) { s.optimizer.learning_rate = above_zero(v); },
       [](const S& s) { return fmt::format("{}", s.optimizer.learning_rate); }},
      {"momentum", "Training", "NUMBER", "sgd: share of the last step kept", T::number, kTrain, true,
       [](S& s, V v) { s.optimizer.momentum = momentum_value(v); },
       [](const S& s) { return fmt::format("{}", s.optimizer.momentum); }},
      {"nesterov", "Training", "", "sgd: look ahead along the momentum", T::flag, kTrain, true,
       [](S& s, V v) { s.optimizer.nesterov = parse_switch(v); },
       [](const S& s) { return on_off(s.optimizer.nesterov); }},
      {"batch", "Training", "N", "samples per step; an epoch's last step may have fewer", T::integer, kTrain, true,
       [](S& s, V v) { s.batch = parse_integer(v, 1); }, [](const S& s) { return std::to_string(s.batch); }},
      {"epochs", "Training", "N", "passes over the data, those of a resumed run included", T::integer, kTrain, true,
       [](S& s, V v) { s.epochs = parse_integer(v, 0, 1'000'000'000); },
       [](const S& s) { return std::to_string(s.epochs); }},
      {"shuffle", "Training", "on|off", "a new order for each epoch, or consecutive rows", T::text, kTrain, true,
       [](S& s, V v) { s.shuffle = parse_switch(v); }, [](const S& s) { return on_off(s.shuffle); }},
      {"seed", "Training", "N", "of weights, order and synthetic data", T::integer, kReadsData | kDataInfo, true,
       [](S& s, V v) {
         s.seed = static_cast<std::uint64_t>(parse_integer(v, 0));
         s.data_options.seed = s.seed;
       },
       [](const S& s) { return std::to_string(s.seed); }},

      {"device", "Machine", "NAME", "auto | cpu | cuda[:N]", T::text, kReadsData, true,
       [](S& s, V v) { s.device = not_empty(v, "auto, cpu or cuda[:N]"); }, [](const S& s) { return s.device; }},
      {"threads", "Machine", "N", "threads of the CPU; 0: one per core", T::integer, kReadsData, true,
       [](S& s, V v) { s.threads = static_cast<int>(parse_integer(v, 0, kMostThreads)); },
       [](const S& s) { return std::to_string(s.threads); }},
      {"precision", "Machine", "NAME", "fp32 (tf32 and bf16 are for CUDA devices)", T::text, kReadsData, true,
       [](S& s, V v) { s.precision = words::parse(kPrecisions, "precision", v); },
       [](const S& s) { return std::string(to_string(s.precision)); }},

      {"out", "Run", "RUN_DIR", "directory to create for the results", T::text, kTrain, false,
       [](S& s, V v) { s.out = not_empty(v, "a directory"); }, [](const S& s) { return s.out; }},
      {"force", "Run", "", "replace the run that is in the directory", T::flag, kTrain, false,
       [](S& s, V v) { s.force = parse_switch(v); }, [](const S& s) { return on_off(s.force); }},
      {"resume", "Run", "", "go on with the run in the directory", T::flag, kTrain, false,
       [](S& s, V v) { s.resume = parse_switch(v); }, [](const S& s) { return on_off(s.resume); }},
      {"checkpoint-every", "Run", "STEPS", "checkpoints within an epoch too; 0: at its end only", T::integer, kTrain,
       true, [](S& s, V v) { s.checkpoint_every = parse_integer(v, 0); },
       [](const S& s) { return std::to_string(s.checkpoint_every); }},
      {"keep-checkpoints", "Run", "N", "keep the newest N checkpoints only; 0: all", T::integer, kTrain, true,
       [](S& s, V v) { s.keep_checkpoints = parse_integer(v, 0); },
       [](const S& s) { return std::to_string(s.keep_checkpoints); }},
  };
}

}  // namespace

bool is_init_file(std::string_view init) {
  return init.ends_with(".safetensors") || init.find('/') != std::string_view::npos;
}

const char* to_string(Precision precision) {
  return words::word_of(kPrecisions, precision);
}

const std::vector<Setting>& all_settings() {
  static const std::vector<Setting> settings = make_settings();
  return settings;
}

const Setting* find_setting(std::string_view name) {
  const auto& settings = all_settings();
  const auto found = std::ranges::find_if(settings, [&](const Setting& s) { return name == s.name; });
  return found == settings.end() ? nullptr : &*found;
}

void apply_values(Settings& settings, const GivenValues& values) {
  for (const auto& [name, value] : values) {
    const Setting* setting = find_setting(name);
    LACUNA_EXPECTS(setting != nullptr, "values are given for known settings only");
    try {
      setting->assign(settings, value.text);
    } catch (const InputError& error) {
      throw InputError(fmt::format("{}: {}", value.where, error.what()));
    }
  }
}

bool is_recorded(const Setting& setting, const Settings& settings) {
  if (std::string_view(setting.name) == "k") return settings.objective.sparsity == Sparsity::topk;
  return setting.recorded;
}

}  // namespace lacuna::cli
