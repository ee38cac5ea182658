#include "cli/options.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "cli/parse.h"
#include "core/words.h"
#include "io/printable.h"
#include "lacuna/error.h"

namespace lacuna::cli {

namespace {

/// A value or flag on its way from CLI11 to the invocation.
struct Slot {
  std::string name;
  bool is_setting = false;
  bool is_list = false;
  bool is_switch = false;
  CLI::Option* option = nullptr;
};

struct Command {
  std::string name;
  CLI::App* app = nullptr;
  std::vector<Slot> slots;
};

void add_slot(Command& command, const std::string& name, bool is_setting, CLI::Option* option,
              const std::string& group) {
  if (!group.empty()) option->group(group);
  command.slots.push_back({name, is_setting, false, false, option});
}

/// `--name METAVAR`, or a positional argument if the name has no dashes.
void add_value(Command& command, const std::string& name, const std::string& metavar, const std::string& help,
               const std::string& group = {}) {
  const std::string key = name.starts_with("--") ? name.substr(2) : name;
  CLI::Option* option = command.app->add_option(name, help)->type_name(metavar);
  add_slot(command, key, false, option->multi_option_policy(CLI::MultiOptionPolicy::TakeLast), group);
}

/// Positional arguments, one or more.
void add_list(Command& command, const std::string& name, const std::string& metavar, const std::string& help) {
  CLI::Option* option = command.app->add_option(name, help)->type_name(metavar)->expected(1, -1)->allow_extra_args();
  option->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  command.slots.push_back({name, false, true, false, option});
}

/// `--name METAVAR`, any number of times.
void add_repeated(Command& command, const std::string& name, const std::string& metavar, const std::string& help,
                  const std::string& group) {
  CLI::Option* option = command.app->add_option(name, help)->type_name(metavar)->expected(1, -1);
  option->allow_extra_args(false)->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)->group(group);
  command.slots.push_back({name.substr(2), false, true, false, option});
}

/// `--name`, which is no setting.
void add_switch(Command& command, const std::string& name, const std::string& help) {
  CLI::Option* option = command.app->add_flag("--" + name)->description(help);
  command.slots.push_back({name, false, false, true, option});
}

void add_settings(Command& command, unsigned bit, bool show_defaults) {
  Settings defaults;
  defaults.command = static_cast<CommandBit>(bit);
  for (const Setting& setting : all_settings()) {
    if ((setting.commands & bit) == 0) continue;
    const std::string name = std::string("--") + setting.name;
    CLI::Option* option = nullptr;
    if (setting.type == ValueType::flag) {
      option = command.app->add_flag(name)->description(setting.help);
    } else {
      option = command.app->add_option(name, setting.help)->type_name(setting.metavar);
      option->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
      if (const std::string value = setting.show(defaults); show_defaults && !value.empty()) option->default_str(value);
    }
    add_slot(command, setting.name, true, option, setting.group);
  }
}

constexpr const char* kModelHelp = "run directory or model file";
constexpr const char* kConfigHelp = "TOML file with any of these options; the command line wins";

void add_commands(CLI::App& app, std::vector<Command>& commands) {
  const auto add = [&commands](CLI::App& parent, const std::string& name, const std::string& help) -> Command& {
    const std::string full = parent.get_parent() == nullptr ? name : parent.get_name() + " " + name;
    CLI::App* sub = parent.add_subcommand(name, help)->allow_extras();
    return commands.emplace_back(Command{full, sub, {}});
  };

  Command& train = add(app, "train", "train a sparse autoencoder");
  add_settings(train, kTrain, true);
  add_value(train, "--config", "FILE", kConfigHelp, "Run");
  train.app->footer(
      "RUN_DIR receives model.safetensors, config.toml, metrics.jsonl, pictures and checkpoints/.\n"
      "Ctrl-C ends after the current step and saves; go on with --resume.\n"
      "Example: lacuna train --data synthetic --epochs 10 --out digits");

  Command& classify = add(app, "classify", "train softmax on the codes of a model, or on the samples themselves");
  add_settings(classify, kClassify, true);
  add_value(classify, "--config", "FILE", kConfigHelp, "Run");
  classify.app->footer(
      "The result is one network, encoder and softmax. evaluation.json has the accuracy of each class and the "
      "confusion\n"
      "matrix on the test set, and on the samples that --labels left over.\n"
      "Example: lacuna classify --model runs/first --labels 1000 --out runs/softmax");

  Command& finetune = add(app, "finetune", "train encoder and softmax as one network");
  add_settings(finetune, kFinetune, true);
  add_value(finetune, "--config", "FILE", kConfigHelp, "Run");
  finetune.app->footer(
      "From a model of train or classify; --random: the same network from random weights. Without --model a network "
      "of\n"
      "--hidden units from random weights.\n"
      "Example: lacuna finetune --model runs/softmax --labels 1000 --out runs/tuned");

  Command& semi =
      add(app, "semi", "pretrain without labels, classify and fine-tune with few, compare with random weights");
  add_settings(semi, kSemi, true);
  add_value(semi, "--config", "FILE", kConfigHelp, "Run");
  add_value(semi, "--seeds", "N", "passes, each with the next seed: mean and spread (1)", "Run");
  add_value(semi, "--classify-epochs", "N", "softmax on codes (100)", "Training");
  add_value(semi, "--tune-epochs", "N", "fine-tuning, and training from random weights (100)", "Training");
  semi.app->footer(
      "--epochs, --noise, --lr and the objective are the autoencoder's; --dropout is the fine-tuning's.\n"
      "Example: lacuna semi --labels 1000 --dropout 0.3 --seeds 3 --out runs/semi");

  Command& sweep = add(app, "sweep", "train a model for each combination of settings, several at once");
  add_settings(sweep, kTrain, true);
  sweep.app->get_option("--threads")
      ->description("threads of the CPU for each model; 0: one per core")
      ->default_str("1");
  add_repeated(
      sweep, "--grid", "NAME=VALUE,...",
      "a setting to vary and its values; give it for each setting. A..B counts; semicolons part values that hold "
      "commas",
      "Sweep");
  add_value(sweep, "--jobs", "N", "models at once (cores / threads; on a GPU 8)", "Sweep");
  add_value(sweep, "--metric", "NAME",
            "what results are sorted by, the smallest first: loss | reconstruction | sparsity | weight_decay | "
            "mean_activation | validation_loss (that with --validation, else reconstruction)",
            "Sweep");
  add_value(sweep, "--config", "FILE", "TOML file with any of these options, and lists of values in [grid]", "Run");
  sweep.app->footer(
      "DIR receives sweep.json, sweep.svg, report.html and a run directory for each model, such as rho=0.1,beta=3.\n"
      "A model that diverges is listed and does not stop the others. Exit status: 0 where the others were trained,\n"
      "1 where one failed in another way or none was trained. Ctrl-C saves; go on with --resume --out DIR.\n"
      "Example: lacuna sweep --grid rho=0.05,0.1 --grid beta=1,3 --grid seed=0..2 --out runs/sweep");

  Command& eval = add(app, "eval", "loss, sparsity and explained variance of a model on data, as JSON");
  add_value(eval, "model", "MODEL", kModelHelp);
  add_settings(eval, kEval, false);
  add_value(eval, "--config", "FILE", kConfigHelp);
  eval.app->footer(
      "What is not given is taken from the model, which remembers what it was trained with.\n"
      "The loss is that of all samples as one batch. What train prints is the mean over an epoch's steps, and its KL\n"
      "penalty that of each batch by itself, mostly larger.");

  Command& encode = add(app, "encode", "codes of all samples as a float32 array");
  add_value(encode, "model", "MODEL", kModelHelp);
  add_value(encode, "--out", "FILE.npy", "array [samples, units] to write");
  add_settings(encode, kEncode, false);
  add_value(encode, "--config", "FILE", kConfigHelp);

  Command& reconstruct = add(app, "reconstruct", "reconstructions of all samples, as an array or a picture");
  add_value(reconstruct, "model", "MODEL", kModelHelp);
  add_value(reconstruct, "--out", "FILE.npy", "array [samples, features] to write");
  add_value(reconstruct, "--png", "FILE.png", "picture to write: the first samples, reconstructions on the right");
  add_value(reconstruct, "--samples", "N", "samples in the picture (100)");
  add_switch(reconstruct, "round", "values of at least 1/2 become 1, all others 0");
  add_settings(reconstruct, kReconstruct, false);
  add_value(reconstruct, "--config", "FILE", kConfigHelp);

  Command& mosaic = add(app, "mosaic", "picture of the first layer's weights, one tile for each unit");
  add_value(mosaic, "model", "MODEL", kModelHelp);
  add_value(mosaic, "--out", "FILE.png", "picture to write");
  add_value(mosaic, "--units", "N", "first N units (100)");
  add_value(mosaic, "--columns", "N", "tiles in a row (as square as possible)");
  mosaic.app->footer(
      "Vectors of a square number of values, such as 784, are taken for square images, as by reconstruct --png.");

  Command& exporting = add(app, "export", "parameters as NumPy arrays, a file for each");
  add_value(exporting, "model", "MODEL", kModelHelp);
  add_value(exporting, "--out", "DIR", "directory to create: encoder.0.weight.npy [out, in], encoder.0.bias.npy, ...");
  add_switch(exporting, "bias-row",
             "one array for each layer, [in + 1, out]: row 0 the bias, then the transposed weight");
  exporting.app->footer("train --init DIR begins with such arrays.");

  Command& report = add(app, "report", "one HTML page about a run, or comparing several");
  add_list(report, "run", "RUN...", "run directories, or the directory of one recipe or sweep");
  add_value(report, "--out", "FILE.html", "page to write (RUN/report.html)");
  report.app->footer("The page is one file that loads nothing: pictures are in it.");

  CLI::App& data = *app.add_subcommand("data", "look into data sources, download MNIST")->allow_extras();
  Command& info = add(data, "info", "what a data source holds");
  add_value(info, "source", "SOURCE", "as for train --data");
  add_settings(info, kDataInfo, false);
  add_switch(info, "json", "as JSON");
  Command& fetch = add(data, "fetch", "download a data set and check it");
  add_value(fetch, "name", "NAME", "mnist");
  add_value(fetch, "--to", "DIR",
            "directory to write to ($LACUNA_DATA/mnist, or without LACUNA_DATA the user's cache directory)");

  CLI::App& recipe = *app.add_subcommand("recipe", "published experiments, from pretraining to report")->allow_extras();
  add(recipe, "list", "names of the recipes");
  Command& show = add(recipe, "show", "the text of a recipe, to copy and edit");
  add_value(show, "name", "NAME", "as recipe list names it");
  Command& run = add(recipe, "run", "run a recipe: recipe.json, tables, pictures and a directory for each stage");
  add_value(run, "name", "NAME|FILE", "a recipe's name, or a TOML file");
  add_value(run, "--out", "DIR", "directory to create (runs/NAME, of a --quick one runs/NAME-quick)");
  add_value(run, "--seed", "N", "of the first pass (0)");
  add_value(run, "--seeds", "N", "passes, each with the next seed; tables give mean and spread (1)");
  for (const Setting& setting : all_settings())
    if (const std::string_view name = setting.name; name == "data" || name == "device" || name == "threads")
      add_slot(run, setting.name, true,
               run.app->add_option(std::string("--") + setting.name, setting.help)->type_name(setting.metavar), {});
  add_switch(run, "quick", "small data and few epochs: a try");
  add_switch(run, "force", "replace what is in the directory");
  add_switch(run, "resume", "go on where it stopped");

  Command& devices = add(app, "devices", "what can compute here");
  add_switch(devices, "json", "as JSON");
}

std::string full_name(const CLI::App& app) {
  return app.get_parent() == nullptr ? app.get_name() : full_name(*app.get_parent()) + " " + app.get_name();
}

std::string without_dashes(std::string word) {
  word.erase(0, word.find_first_not_of('-'));
  return word.substr(0, word.find('='));
}

/// What CLI11 could not place: an unknown option or command, or one argument too many.
[[noreturn]] void reject(const CLI::App& app, const std::string& word) {
  std::vector<std::string> names;
  if (word.starts_with("-") && word.size() > 1) {
    for (const CLI::Option* option : app.get_options())
      for (const std::string& name : option->get_lnames()) names.push_back(name);
    const std::vector<std::string_view> known(names.begin(), names.end());
    const std::string best = words::nearest(without_dashes(word), known);
    throw InputError(fmt::format("unknown option {}{}; {} --help lists them", word.substr(0, word.find('=')),
                                 best.empty() ? "" : fmt::format(" (did you mean --{}?)", best), full_name(app)));
  }
  for (const CLI::App* sub : app.get_subcommands(nullptr)) names.push_back(sub->get_name());
  if (names.empty()) throw InputError(fmt::format("unexpected argument {}", io::printable(word)));
  const std::vector<std::string_view> known(names.begin(), names.end());
  throw InputError(fmt::format("unknown command {}{}; known: {}", io::printable(word), words::did_you_mean(word, known),
                               fmt::join(names, ", ")));
}

void reject_leftovers(const CLI::App& app) {
  if (const auto words = app.remaining(); !words.empty()) reject(app, words.front());
  for (const CLI::App* sub : app.get_subcommands()) reject_leftovers(*sub);
}

/// Also of "--force=false".
bool is_on(const std::string& name, const std::string& text) {
  try {
    return parse_switch(text);
  } catch (const InputError& error) {
    throw InputError(fmt::format("--{}: {}", name, error.what()));
  }
}

Invocation collect(const Command& command) {
  Invocation invocation;
  invocation.command = command.name;
  for (const Slot& slot : command.slots) {
    if (slot.option->count() == 0) continue;
    const std::string text = slot.option->results().back();
    if (slot.is_list) {
      invocation.lists[slot.name] = slot.option->results();
    } else if (slot.is_setting) {
      invocation.settings[slot.name] = {text, "--" + slot.name};
    } else if (!slot.is_switch || is_on(slot.name, text)) {
      invocation.other[slot.name] = text;
    }
  }
  return invocation;
}

std::string first_line(const std::string& text) {
  return text.substr(0, text.find('\n'));
}

}  // namespace

std::string Invocation::get(const std::string& name) const {
  const auto found = other.find(name);
  return found == other.end() ? std::string() : found->second;
}

std::string Invocation::require(const std::string& name, const std::string& usage) const {
  if (get(name).empty()) throw InputError(fmt::format("{} is missing: lacuna {}", name, usage));
  return get(name);
}

std::int64_t Invocation::count(const std::string& name, std::int64_t lowest, std::int64_t otherwise) const {
  if (!has(name)) return otherwise;
  try {
    return parse_integer(get(name), lowest);
  } catch (const InputError& error) {
    throw InputError(fmt::format("--{}: {}", name, error.what()));
  }
}

std::vector<std::string> Invocation::require_list(const std::string& name, const std::string& usage) const {
  const auto found = lists.find(name);
  if (found == lists.end()) throw InputError(fmt::format("{} is missing: lacuna {}", name, usage));
  return found->second;
}

std::optional<Invocation> parse_command_line(int argc, const char* const* argv) {
  CLI::App app{"Lacuna trains sparse autoencoders."};
  app.name("lacuna")->allow_extras();
  app.require_subcommand(0, 1);  // a directory may be named as a command is
  app.set_version_flag("--version", std::string("lacuna ") + LACUNA_VERSION);
  app.footer("lacuna COMMAND --help tells more. Exit status: 0 done, 1 failed, 2 unusable arguments or input.");
  std::vector<Command> commands;
  commands.reserve(32);  // add_commands keeps references
  add_commands(app, commands);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& success) {
    app.exit(success);
    return std::nullopt;
  } catch (const CLI::ParseError& error) {
    throw InputError(first_line(error.what()));
  }
  reject_leftovers(app);
  for (const Command& command : commands)
    if (command.app->parsed()) return collect(command);
  if (app.got_subcommand("recipe")) throw InputError("recipe needs a command: list, show or run");
  const bool data = app.got_subcommand("data");
  throw InputError(data ? "data needs a command: info or fetch" : "a command is missing; lacuna --help lists them");
}

}  // namespace lacuna::cli
