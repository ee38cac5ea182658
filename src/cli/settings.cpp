#include "cli/settings.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>

#include "cli/parse.h"
#include "core/words.h"
#include "io/printable.h"
#include "lacuna/error.h"

namespace lacuna::cli {

namespace {

constexpr words::Table<Split, 2> kSplits{{{Split::train, "train"}, {Split::test, "test"}}};
constexpr words::Table<bool, 2> kFeatures{{{false, "once"}, {true, "recomputed"}}};
constexpr words::Table<Streaming, 3> kStreamings{
    {{Streaming::automatic, "auto"}, {Streaming::on, "on"}, {Streaming::off, "off"}}};
constexpr int kMostThreads = 4096;

double at_least_zero(std::string_view text) {
  const double value = parse_number(text);
  if (value < 0) throw InputError(fmt::format("must be at least 0, not {}", text));
  return value;
}

/// So many epochs that the steps they make can be counted.
double epochs_value(std::string_view text) {
  constexpr double kMost = 1e9;
  const double value = at_least_zero(text);
  if (value > kMost) throw InputError(fmt::format("must be at most {:g}, not {}", kMost, text));
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

double fraction_value(std::string_view text) {
  const double value = parse_number(text);
  if (!(value >= 0 && value <= 1)) throw InputError(fmt::format("must be between 0 and 1, not {}", text));
  return value;
}

constexpr words::Table<NoiseKind, 3> kNoises{
    {{NoiseKind::mask, "mask"}, {NoiseKind::gaussian, "gaussian"}, {NoiseKind::shift, "shift"}}};

InputNoise noise_value(std::string_view text) {
  if (text == "none") return {};
  const std::size_t colon = text.find(':');
  InputNoise noise{words::parse(kNoises, "noise", text.substr(0, colon)), 0};
  if (colon == std::string_view::npos)
    throw InputError(fmt::format("needs an amount, as in {}:{}", text, noise.kind == NoiseKind::shift ? "1" : "0.3"));
  const std::string_view amount = text.substr(colon + 1);
  noise.amount = noise.kind == NoiseKind::gaussian ? at_least_zero(amount)
                 : noise.kind == NoiseKind::shift  ? static_cast<double>(parse_integer(amount, 0, 1000))
                                                   : momentum_value(amount);
  return noise;
}

std::string noise_text(const InputNoise& noise) {
  if (noise.amount == 0) return "none";
  return fmt::format("{}:{}", words::word_of(kNoises, noise.kind), noise.amount);
}

std::vector<std::string> split_list(std::string_view text) {
  std::vector<std::string> items;
  while (!text.empty()) {
    const std::size_t comma = text.find(',');
    items.emplace_back(text.substr(0, comma));
    text = comma == std::string_view::npos ? std::string_view() : text.substr(comma + 1);
  }
  return items;
}

std::string not_empty(std::string_view text, const char* what) {
  if (text.empty()) throw InputError(fmt::format("needs {}", what));
  return std::string(text);
}

/// A file or a directory is taken as it is; a scheme must be a known one.
std::string init_value(std::string_view text) {
  if (is_init_file(text)) return std::string(text);
  // Written so that it is known as a directory even when it is no longer there.
  std::error_code ignored;
  if (std::filesystem::is_directory(text, ignored)) return std::string(text) + "/";
  parse_init(text);
  return std::string(text);
}

std::string on_off(bool value) {
  return value ? "on" : "off";
}

constexpr unsigned kClassifies = kClassify | kFinetune;
constexpr unsigned kTrains = kTrain | kClassifies;
constexpr unsigned kReadsData = kTrains | kEval | kEncode | kReconstruct;

std::string size_text(const ImageSize& size) {
  return size == ImageSize{} ? "none" : fmt::format("{}x{}", size.width, size.height);
}

std::vector<Setting> make_settings() {
  using S = Settings;
  using V = std::string_view;
  using T = ValueType;
  return {
      {"data", "Data", "SOURCE",
       "mnist[:DIR] | idx:IMAGES[,LABELS] | npy:FILE | images:DIR | safetensors:FILE[#TENSOR] | synthetic[:N]", T::text,
       kReadsData, true, [](S& s, V v) { s.data = not_empty(v, "a data source"); }, [](const S& s) { return s.data; }},
      {"split", "Data", "NAME", "train | test", T::text, kReadsData | kDataInfo, true,
       [](S& s, V v) { s.data_options.split = words::parse(kSplits, "split", v); },
       [](const S& s) { return std::string(words::word_of(kSplits, s.data_options.split)); }},
      {"limit", "Data", "N", "use the first N samples; 0: all", T::integer, kReadsData | kDataInfo, true,
       [](S& s, V v) { s.data_options.limit = parse_integer(v, 0); },
       [](const S& s) { return std::to_string(s.data_options.limit); }},
      {"resize", "Data", "WxH", "images: bring all to this size, e.g. 28x28; none: they have one size", T::text,
       kReadsData | kDataInfo, true, [](S& s, V v) { s.data_options.resize = parse_size(v); },
       [](const S& s) { return size_text(s.data_options.resize); }},
      {"color", "Data", "", "images: red, green and blue, [3, H, W], instead of grey", T::flag, kReadsData | kDataInfo,
       true, [](S& s, V v) { s.data_options.color = parse_switch(v); },
       [](const S& s) { return on_off(s.data_options.color); }},
      {"threshold", "Data", "", "values of at least 1/2 become 1, all others 0", T::flag, kReadsData | kDataInfo, true,
       [](S& s, V v) { s.data_options.threshold = parse_switch(v); },
       [](const S& s) { return on_off(s.data_options.threshold); }},

      {"classes", "Data", "LABEL,...", "use samples of these classes only", T::integers, kReadsData, true,
       [](S& s, V v) {
         s.classes.clear();
         for (std::int64_t label : parse_integers(v, 0)) s.classes.push_back(static_cast<std::int32_t>(label));
       },
       [](const S& s) { return fmt::format("{}", fmt::join(s.classes, ",")); }},
      {"labels", "Data", "N", "use N samples only, as many of each class; 0: all", T::integer, kReadsData, true,
       [](S& s, V v) { s.labels = parse_integer(v, 0); }, [](const S& s) { return std::to_string(s.labels); }},
      {"draw-labels", "Data", "", "draw them by the seed; else the first of each class", T::flag, kReadsData, true,
       [](S& s, V v) { s.draw_labels = parse_switch(v); }, [](const S& s) { return on_off(s.draw_labels); }},
      {"validation", "Data", "N",
       "hold the last N samples out; of data with labels the last of each class, in proportion", T::integer, kTrains,
       true, [](S& s, V v) { s.validation = parse_integer(v, 0); },
       [](const S& s) { return std::to_string(s.validation); }},
      {"test", "Data", "SOURCE", "test on this, its test split where it has one; auto: that of --data; none", T::text,
       kClassifies, true, [](S& s, V v) { s.test = not_empty(v, "a data source, auto or none"); },
       [](const S& s) { return s.test; }},

      {"model", "Network", "MODEL",
       "run or model file. train: train on its codes, the result is the deeper autoencoder; classify, finetune: its "
       "encoder is used",
       T::text, kTrains, true, [](S& s, V v) { s.model = not_empty(v, "a run directory or model file"); },
       [](const S& s) { return s.model; }},
      {"random", "Network", "", "the model's network from random weights", T::flag, kFinetune, true,
       [](S& s, V v) { s.random = parse_switch(v); }, [](const S& s) { return on_off(s.random); }},
      {"teacher", "Data", "MODEL",
       "with --labels: learn also from the samples left over, with this classifier's guesses for labels", T::text,
       kFinetune, true, [](S& s, V v) { s.teacher = not_empty(v, "a run directory or model file"); },
       [](const S& s) { return s.teacher; }},
      {"confidence", "Data", "NUMBER", "teacher: only where it is at least so sure", T::number, kFinetune, true,
       [](S& s, V v) { s.confidence = fraction_value(v); }, [](const S& s) { return fmt::format("{}", s.confidence); }},
      {"repeat", "Data", "N", "teacher: take each true label N times in an epoch", T::integer, kFinetune, true,
       [](S& s, V v) { s.repeat = parse_integer(v, 1, 1'000'000); },
       [](const S& s) { return std::to_string(s.repeat); }},
      {"features", "Network", "once|recomputed", "codes computed once for all, or in each step (with noise)", T::text,
       kClassify, true, [](S& s, V v) { s.recompute = words::parse(kFeatures, "features", v); },
       [](const S& s) { return std::string(words::word_of(kFeatures, s.recompute)); }},
      {"hidden", "Network", "UNITS,...", "units of each encoder layer; the last one is the code", T::integers,
       kTrain | kFinetune, true, [](S& s, V v) { s.hidden = parse_integers(v, 1); },
       [](const S& s) { return fmt::format("{}", fmt::join(s.hidden, ",")); }},
      {"activation", "Network", "NAME", "hidden layers: sigmoid | relu | identity", T::text, kTrain | kFinetune, true,
       [](S& s, V v) { s.activation = parse_activation(v); },
       [](const S& s) { return std::string(to_string(s.activation)); }},
      {"output-activation", "Network", "NAME", "last decoder layer: sigmoid | relu | identity", T::text, kTrain, true,
       [](S& s, V v) { s.output_activation = parse_activation(v); },
       [](const S& s) { return std::string(to_string(s.output_activation)); }},
      {"conv", "Network", "C:K[:S[:P]],...",
       "convolutions in place of --hidden: channels, kernel, stride (1), padding (0)", T::text, kTrain, true,
       [](S& s, V v) { s.convolutions = split_list(not_empty(v, "convolutions, as in 16:3:2:1")); },
       [](const S& s) { return fmt::format("{}", fmt::join(s.convolutions, ",")); }},
      {"tied", "Network", "", "the decoder's weights are the encoder's, transposed", T::flag, kTrain, true,
       [](S& s, V v) { s.tied = parse_switch(v); }, [](const S& s) { return on_off(s.tied); }},
      {"init", "Network", "SCHEME|FILE|DIR",
       "xavier-uniform | ufldl | normal[:SIGMA] | he, or a model file (.safetensors) or directory of arrays (.npy) to "
       "begin with",
       T::text, kTrains, true, [](S& s, V v) { s.init = init_value(v); }, [](const S& s) { return s.init; }},

      {"loss", "Objective", "NAME", "squared | half-squared | bce", T::text, kTrain | kEval, true,
       [](S& s, V v) { s.objective.loss = parse_loss(v); },
       [](const S& s) { return std::string(to_string(s.objective.loss)); }},
      {"reduction", "Objective", "NAME", "sum | sample | element", T::text, kTrain | kEval, true,
       [](S& s, V v) { s.objective.reduction = parse_reduction(v); },
       [](const S& s) { return std::string(to_string(s.objective.reduction)); }},
      {"sparsity", "Objective", "NAME", "none | kl | l1 | topk", T::text, kTrain | kEval, true,
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
      {"k", "Objective", "N", "topk: units kept per sample", T::integer, kTrain, true,
       [](S& s, V v) { s.k = parse_integer(v, 1); }, [](const S& s) { return std::to_string(s.k); }},
      {"k-factor", "Objective", "NUMBER", "topk: in evaluation k times this, rounded up, are kept", T::number, kTrain,
       true, [](S& s, V v) { s.k_factor = above_zero(v); }, [](const S& s) { return fmt::format("{}", s.k_factor); }},
      {"k-start", "Objective", "N", "topk: units kept in the first step; 0: k", T::integer, kTrain, true,
       [](S& s, V v) { s.k_start = parse_integer(v, 0); }, [](const S& s) { return std::to_string(s.k_start); }},
      {"k-anneal", "Objective", "EPOCHS", "topk: within so many epochs that number falls to k", T::integer, kTrain,
       true, [](S& s, V v) { s.k_anneal = parse_integer(v, 0, 1'000'000); },
       [](const S& s) { return std::to_string(s.k_anneal); }},
      {"weight-decay", "Objective", "NUMBER", "lambda: weights (not biases) are pulled towards 0", T::number,
       kTrains | kEval, true, [](S& s, V v) { s.objective.weight_decay = at_least_zero(v); },
       [](const S& s) { return fmt::format("{}", s.objective.weight_decay); }},

      {"noise", "Training", "KIND:AMOUNT",
       "on the input: mask:PROBABILITY | gaussian:SIGMA | shift:PIXELS (of images [H, W] or [channels, H, W]) | none; "
       "the target stays clean",
       T::text, kTrains, true, [](S& s, V v) { s.noise = noise_value(v); },
       [](const S& s) { return noise_text(s.noise); }},
      {"dropout", "Training", "NUMBER", "probability for each hidden unit", T::number, kTrains, true,
       [](S& s, V v) { s.dropout = momentum_value(v); }, [](const S& s) { return fmt::format("{}", s.dropout); }},
      {"optimizer", "Training", "NAME", "adam | sgd | lbfgs (all samples at once; an epoch is an iteration)", T::text,
       kTrains, true, [](S& s, V v) { s.optimizer.kind = parse_optimizer(v); },
       [](const S& s) { return std::string(to_string(s.optimizer.kind)); }},
      {"lr", "Training", "NUMBER", "learning rate of adam and sgd", T::number, kTrains, true,
       [](S& s, V v) { s.optimizer.learning_rate = above_zero(v); },
       [](const S& s) { return fmt::format("{}", s.optimizer.learning_rate); }},
      {"lr-schedule", "Training", "NAME", "constant | step | cosine", T::text, kTrains, true,
       [](S& s, V v) { s.optimizer.schedule.kind = parse_schedule(v); },
       [](const S& s) { return std::string(to_string(s.optimizer.schedule.kind)); }},
      {"lr-factor", "Training", "NUMBER", "step: factor at each; cosine: at the end", T::number, kTrains, true,
       [](S& s, V v) { s.optimizer.schedule.factor = fraction_value(v); },
       [](const S& s) { return fmt::format("{}", s.optimizer.schedule.factor); }},
      {"lr-every", "Training", "EPOCHS", "step: between two steps of the schedule", T::number, kTrains, true,
       [](S& s, V v) { s.lr_every = std::min(above_zero(v), epochs_value(v)); },
       [](const S& s) { return fmt::format("{}", s.lr_every); }},
      {"warmup", "Training", "EPOCHS", "the learning rate rises in a straight line at first", T::number, kTrains, true,
       [](S& s, V v) { s.warmup = epochs_value(v); }, [](const S& s) { return fmt::format("{}", s.warmup); }},
      {"momentum", "Training", "NUMBER", "sgd: share of the last step kept", T::number, kTrains, true,
       [](S& s, V v) { s.optimizer.momentum = momentum_value(v); },
       [](const S& s) { return fmt::format("{}", s.optimizer.momentum); }},
      {"nesterov", "Training", "", "sgd: look ahead along the momentum", T::flag, kTrains, true,
       [](S& s, V v) { s.optimizer.nesterov = parse_switch(v); },
       [](const S& s) { return on_off(s.optimizer.nesterov); }},
      {"patience", "Training", "EPOCHS",
       "with --validation: end after so many epochs that were not the best, and keep the best; 0: never", T::integer,
       kTrains, true, [](S& s, V v) { s.patience = parse_integer(v, 0); },
       [](const S& s) { return std::to_string(s.patience); }},
      {"test-every", "Training", "EPOCHS", "test accuracy into metrics.jsonl; 0: only at the end", T::integer,
       kClassifies, true, [](S& s, V v) { s.test_every = parse_integer(v, 0); },
       [](const S& s) { return std::to_string(s.test_every); }},
      {"batch", "Training", "N", "samples per step; an epoch's last step may have fewer", T::integer, kTrains, true,
       [](S& s, V v) { s.batch = parse_integer(v, 1); }, [](const S& s) { return std::to_string(s.batch); }},
      {"epochs", "Training", "N", "passes over the data, those of a resumed run included", T::integer, kTrains, true,
       [](S& s, V v) { s.epochs = parse_integer(v, 0, 1'000'000'000); },
       [](const S& s) { return std::to_string(s.epochs); }},
      {"shuffle", "Training", "on|off", "a new order for each epoch, or consecutive rows", T::text, kTrains, true,
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
       [](S& s, V v) { s.backend.threads = static_cast<int>(parse_integer(v, 0, kMostThreads)); },
       [](const S& s) { return std::to_string(s.backend.threads); }},
      {"precision", "Machine", "NAME",
       "fp32 | tf32 (GPUs) | bf16 (GPUs, CPUs with AVX512_BF16): what matrix products compute in", T::text, kReadsData,
       true, [](S& s, V v) { s.backend.precision = parse_precision(v); },
       [](const S& s) { return std::string(to_string(s.backend.precision)); }},
      {"engine", "Machine", "NAME", "GPU: auto | graph | resident (one kernel that stays on the device for many steps)",
       T::text, kTrains, true, [](S& s, V v) { s.backend.engine = parse_engine(v); },
       [](const S& s) { return std::string(to_string(s.backend.engine)); }},
      {"products", "Machine", "NAME",
       "GPU, engine graph: default | measured (the fastest algorithm for each shape; the run records which) | batched "
       "(one call for all models that a sweep trains at once)",
       T::text, kTrains, true, [](S& s, V v) { s.backend.products = parse_products(v); },
       [](const S& s) { return to_string(s.backend.products); }},
      {"stream", "Machine", "auto|on|off",
       "read samples from their file window by window (auto: above half of the memory of host or GPU)", T::text,
       kReadsData, true, [](S& s, V v) { s.data_options.stream = words::parse(kStreamings, "choice", v); },
       [](const S& s) { return std::string(words::word_of(kStreamings, s.data_options.stream)); }},
      {"window", "Machine", "N|SIZE", "streaming: samples that are shuffled among each other, or MiB, GiB of them",
       T::text, kReadsData, true, [](S& s, V v) { s.data_options.window = parse_window(v); },
       [](const S& s) { return to_text(s.data_options.window); }},

      {"out", "Run", "RUN_DIR", "directory to create for the results", T::text, kTrains, false,
       [](S& s, V v) { s.out = not_empty(v, "a directory"); }, [](const S& s) { return s.out; }},
      {"force", "Run", "", "replace the run that is in the directory", T::flag, kTrains, false,
       [](S& s, V v) { s.force = parse_switch(v); }, [](const S& s) { return on_off(s.force); }},
      {"resume", "Run", "", "go on with the run in the directory", T::flag, kTrains, false,
       [](S& s, V v) { s.resume = parse_switch(v); }, [](const S& s) { return on_off(s.resume); }},
      {"tensorboard", "Run", "", "write event files for TensorBoard into RUN_DIR/tensorboard", T::flag, kTrains, true,
       [](S& s, V v) { s.tensorboard = parse_switch(v); }, [](const S& s) { return on_off(s.tensorboard); }},
      {"profile", "Run", "", "time each operation of a step: a table at the end, and RUN_DIR/profile.json for Perfetto",
       T::flag, kTrains, false, [](S& s, V v) { s.profile = parse_switch(v); },
       [](const S& s) { return on_off(s.profile); }},
      {"checkpoint-every", "Run", "STEPS", "checkpoints within an epoch too; 0: at its end only (lbfgs: every 10th)",
       T::integer, kTrains, true, [](S& s, V v) { s.checkpoint_every = parse_integer(v, 0); },
       [](const S& s) { return std::to_string(s.checkpoint_every); }},
      {"keep-checkpoints", "Run", "N", "keep the newest N checkpoints only; 0: all", T::integer, kTrains, true,
       [](S& s, V v) { s.keep_checkpoints = parse_integer(v, 0); },
       [](const S& s) { return std::to_string(s.keep_checkpoints); }},
  };
}

}  // namespace

bool is_init_file(std::string_view init) {
  return init.ends_with(".safetensors") || init.find('/') != std::string_view::npos;
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
  const std::string_view name = setting.name;
  if (!setting.recorded || (setting.commands & settings.command) == 0) return false;
  const bool topk = settings.objective.sparsity == Sparsity::topk;
  if (name == "k" || name.starts_with("k-")) return topk;
  if (settings.optimizer.kind == OptimizerKind::lbfgs &&
      std::ranges::find(kNotForLbfgs, name) != std::end(kNotForLbfgs))
    return false;
  const bool takes_network = settings.command == kFinetune && !settings.model.empty();  // the model's, not its own
  if (name == "hidden") return settings.convolutions.empty() && !takes_network;
  if (name == "activation") return !takes_network;
  if (name == "conv") return !settings.convolutions.empty();
  if (name == "classes") return !settings.classes.empty();
  if (name == "teacher" || name == "confidence" || name == "repeat") return !settings.teacher.empty();
  if (name == "model") return !settings.model.empty();
  if (name == "stream" || name == "window") return settings.data_options.stream == Streaming::on;
  return true;
}

}  // namespace lacuna::cli
