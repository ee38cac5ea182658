#include "cli/options.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "core/words.h"
#include "io/printable.h"
#include "lacuna/error.h"

namespace lacuna::cli {

namespace {

/// A value or flag on its way from CLI11 to the invocation.
struct Slot {
  std::string name;
  bool is_setting = false;
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
  command.slots.push_back({name, is_setting, option});
}

/// `--name METAVAR`, or a positional argument if the name has no dashes.
void add_value(Command& command, const std::string& name, const std::string& metavar, const std::string& help,
               const std::string& group = {}) {
  const std::string key = name.starts_with("--") ? name.substr(2) : name;
  CLI::Option* option = command.app->add_option(name, help)->type_name(metavar);
  add_slot(command, key, false, option->multi_option_policy(CLI::MultiOptionPolicy::TakeLast), group);
}

void add_settings(Command& command, unsigned bit, bool show_defaults) {
  const Settings defaults;
  for (const Setting& setting : all_settings()) {
    if ((setting.commands & bit) == 0) continue;
    const std::string name = std::string("--") + setting.name;
    CLI::Option* option = nullptr;
    if (setting.type == ValueType::flag) {
      option = command.app->add_flag(name)->description(setting.help);
    } else {
      option = command.app->add_option(name, setting.help)->type_name(setting.metavar);
      option->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
      if (show_defaults && is_recorded(setting, defaults)) option->default_str(setting.show(defaults));
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

  Command& eval = add(app, "eval", "loss and activity of a model on data, as JSON");
  add_value(eval, "model", "MODEL", kModelHelp);
  add_settings(eval, kEval, false);
  add_value(eval, "--config", "FILE", kConfigHelp);
  eval.app->footer("What is not given is taken from the model, which remembers what it was trained with.");

  Command& encode = add(app, "encode", "codes of all samples as a float32 array");
  add_value(encode, "model", "MODEL", kModelHelp);
  add_value(encode, "--out", "FILE.npy", "array [samples, units] to write");
  add_settings(encode, kEncode, false);
  add_value(encode, "--config", "FILE", kConfigHelp);

  Command& reconstruct = add(app, "reconstruct", "reconstructions of all samples, as an array or a picture");
  add_value(reconstruct, "model", "MODEL", kModelHelp);
  add_value(reconstruct, "--out", "FILE.npy", "array [samples, features] to write");
  add_value(reconstruct, "--png", "FILE.png", "picture to write: the first 100 samples, reconstructions on the right");
  add_settings(reconstruct, kReconstruct, false);
  add_value(reconstruct, "--config", "FILE", kConfigHelp);

  Command& mosaic = add(app, "mosaic", "picture of the first layer's weights, one tile for each unit");
  add_value(mosaic, "model", "MODEL", kModelHelp);
  add_value(mosaic, "--out", "FILE.png", "picture to write");
  add_value(mosaic, "--units", "N", "first N units (100)");
  add_value(mosaic, "--columns", "N", "tiles in a row (as square as possible)");

  CLI::App& data = *app.add_subcommand("data", "look into data sources, download MNIST")->allow_extras();
  Command& info = add(data, "info", "what a data source holds");
  add_value(info, "source", "SOURCE", "as for train --data");
  add_settings(info, kDataInfo, false);
  add_slot(info, "json", false, info.app->add_flag("--json")->description("as JSON"), {});
  Command& fetch = add(data, "fetch", "download a data set and check it");
  add_value(fetch, "name", "NAME", "mnist");
  add_value(fetch, "--to", "DIR", "directory to write to (the user's cache directory)");

  Command& devices = add(app, "devices", "what can compute here");
  add_slot(devices, "json", false, devices.app->add_flag("--json")->description("as JSON"), {});
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

Invocation collect(const Command& command) {
  Invocation invocation;
  invocation.command = command.name;
  for (const Slot& slot : command.slots) {
    if (slot.option->count() == 0) continue;
    const std::string text = slot.option->get_type_size() == 0 ? "on" : slot.option->results().back();
    if (slot.is_setting) {
      invocation.settings[slot.name] = {text, "--" + slot.name};
    } else {
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

std::optional<Invocation> parse_command_line(int argc, const char* const* argv) {
  CLI::App app{"Lacuna trains sparse autoencoders."};
  app.name("lacuna")->allow_extras();
  app.set_version_flag("--version", std::string("lacuna ") + LACUNA_VERSION);
  app.footer("lacuna COMMAND --help tells more. Exit status: 0 done, 1 failed, 2 unusable arguments or input.");
  std::vector<Command> commands;
  commands.reserve(16);  // add_commands keeps references
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
  const bool data = app.got_subcommand("data");
  throw InputError(data ? "data needs a command: info or fetch" : "a command is missing; lacuna --help lists them");
}

}  // namespace lacuna::cli
