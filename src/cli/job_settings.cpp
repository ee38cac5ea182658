#include "cli/job_settings.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "cli/config.h"
#include "cli/resolve.h"
#include "lacuna/error.h"
#include "train/run_directory.h"

namespace lacuna::cli {

namespace {

bool may_differ_on_resume(std::string_view name) {
  return name == "epochs" || name == "device" || name == "engine" || name == "products" || name == "threads" ||
         name == "tensorboard";
}

/// Each training command records settings that the others do not take.
void require_own_run(const RunDirectory& directory, const GivenValues& recorded, CommandBit command) {
  const auto takes = [](unsigned bit) {
    return [bit](const auto& item) { return (find_setting(item.first)->commands & bit) != 0; };
  };
  const auto foreign = std::ranges::find_if_not(recorded, takes(command));
  if (foreign == recorded.end()) return;
  std::string owner = "another command";
  for (const auto& [bit, name] : {std::pair{kTrain, "train"}, {kClassify, "classify"}, {kFinetune, "finetune"}})
    if (std::ranges::all_of(recorded, takes(bit))) owner = fmt::format("lacuna {}", name);
  throw InputError(
      fmt::format("cannot resume: {} is of a run of {}, whose {} this command does not take; go on with {}, or choose "
                  "another --out",
                  directory.config(), owner, foreign->first, owner));
}

/// The settings of the run that is there, and on top of them what may differ.
Settings resumed_settings(const RunDirectory& directory, CommandBit command, const GivenValues& given) {
  Settings recorded;
  recorded.command = command;
  recorded.data_options.stream = Streaming::off;  // what is said of streaming is said of streamed data alone
  const GivenValues config = read_config(directory.config());
  require_own_run(directory, config, command);
  apply_values(recorded, config);
  Settings settings = recorded;
  apply_values(settings, given);
  // An engine is the affair of a device, and so are the algorithms of its products.
  if (settings.device != recorded.device && !given.contains("engine")) settings.backend.engine = Engine::automatic;
  if (settings.device != recorded.device && !given.contains("products")) settings.backend.products = {};
  if (settings.data_options.stream == Streaming::automatic)
    settings.data_options.stream = recorded.data_options.stream;  // the order of the samples depends on it
  for (const Setting& setting : all_settings()) {
    const std::string before = setting.show(recorded), now = setting.show(settings);
    const bool matters = is_recorded(setting, recorded) || is_recorded(setting, settings);
    if (before == now || !matters || may_differ_on_resume(setting.name)) continue;
    throw InputError(fmt::format(
        "cannot resume with another {}: {} says {}, {} has {}; only epochs, device, "
        "engine, products, threads and tensorboard may differ",
        setting.name, given.at(setting.name).where, now, directory.config(), before.empty() ? "none" : before));
  }
  // The learning rate of every step so far would have been another one.
  if (settings.optimizer.schedule.kind == ScheduleKind::cosine && settings.epochs != recorded.epochs)
    throw InputError(
        fmt::format("cannot resume with other epochs: the cosine schedule of {} ends with epoch {}; a run of {} "
                    "has another learning rate from the start",
                    directory.config(), recorded.epochs, settings.epochs));
  return settings;
}

bool file_exists(const std::string& path) {
  return ::access(path.c_str(), F_OK) == 0;
}

/// What --force removes must not be what the run begins from.
void require_kept_base(const Settings& settings, const RunDirectory& directory) {
  namespace fs = std::filesystem;
  std::error_code ignored;
  for (const auto& [option, path] :
       {std::pair{"model", settings.model}, {"teacher", settings.teacher}, {"init", settings.init}}) {
    if (path.empty()) continue;
    const std::string base = fs::is_directory(path, ignored) ? path + "/model.safetensors" : path;
    for (const std::string& file : directory.results())
      if (fs::equivalent(base, file, ignored))
        throw InputError(
            fmt::format("--force would remove {}, which --{} {} takes; choose another --out", file, option, path));
  }
}

Settings directory_settings(const Invocation& invocation, CommandBit command) {
  const GivenValues given = given_values(invocation, command);
  Settings settings;
  settings.command = command;
  apply_values(settings, given);
  if (settings.out.empty())
    throw InputError(fmt::format("{} needs a directory for its results: --out RUN_DIR", invocation.command));
  if (settings.force && settings.resume) throw InputError("--force and --resume exclude each other");
  const RunDirectory directory(settings.out);
  if (!directory.exists()) return settings;
  if (!settings.resume) {
    if (settings.force) {
      require_kept_base(settings, directory);
      return settings;
    }
    throw InputError(
        fmt::format("{} exists; go on with its run (--resume), replace it (--force) or choose another "
                    "--out",
                    directory.path()));
  }
  if (file_exists(directory.config())) return resumed_settings(directory, command, given);
  if (!directory.checkpoints().empty())
    throw InputError(fmt::format("cannot resume: {} is missing beside its checkpoints", directory.config()));
  if (const auto results = directory.results(); !results.empty())
    throw InputError(
        fmt::format("cannot resume: {} is there, but no {}: it is not a run's directory; choose another --out",
                    results.front(), directory.config()));
  return settings;
}

void check_combinations(const Settings& settings, const GivenValues& given) {
  if (settings.objective.sparsity != Sparsity::topk)
    for (const char* name : {"k", "k-factor", "k-start", "k-anneal"})
      if (given.contains(name)) throw InputError(fmt::format("{} is for --sparsity topk", name));
  if (settings.command == kFinetune && !settings.model.empty())
    for (const char* name : {"hidden", "activation"})
      if (given.contains(name))
        throw InputError(fmt::format("{} is that of --model {}: leave one of them out", name, settings.model));
  if (settings.teacher.empty())
    for (const char* name : {"confidence", "repeat"})
      if (given.contains(name)) throw InputError(fmt::format("--{} is for --teacher MODEL", name));
  if (settings.command == kFinetune && settings.model.empty() && settings.random)
    throw InputError("--random takes the network of --model MODEL; without a model weights are random anyway");
  if (!settings.convolutions.empty() && given.contains("hidden"))
    throw InputError("--conv takes the place of --hidden: give one of them");
  if (settings.optimizer.kind != OptimizerKind::sgd && (settings.optimizer.momentum > 0 || settings.optimizer.nesterov))
    throw InputError(
        fmt::format("momentum and nesterov are for --optimizer sgd, not {}", to_string(settings.optimizer.kind)));
  if (settings.optimizer.kind == OptimizerKind::lbfgs)
    for (const char* name : kNotForLbfgs)
      if (given.contains(name))
        throw InputError(
            fmt::format("{} is not for --optimizer lbfgs, which takes all samples at once and finds the "
                        "length of each step itself",
                        name));
  if (settings.profile && settings.optimizer.kind == OptimizerKind::lbfgs)
    throw InputError("--profile times the steps of adam and sgd; an iteration of lbfgs is no list of operations");
  if (settings.patience > 0 && settings.validation == 0)
    throw InputError("--patience needs samples held out to judge by: --validation N");
  settings.optimizer.validate();
}

/// What is given on the command line must be of use. A configuration may say more: one that a run wrote holds all that
/// its command takes.
void check_use(const Settings& settings, const GivenValues& given) {
  const auto is_on_command_line = [&given](const std::string& name) {
    const auto found = given.find(name);
    return found != given.end() && found->second.where == "--" + name;
  };
  for (const auto& [name, sparsity] : {std::pair{"rho", Sparsity::kl}, {"beta", Sparsity::kl}, {"l1", Sparsity::l1}})
    if (settings.objective.sparsity != sparsity && is_on_command_line(name))
      throw InputError(fmt::format("{} is for --sparsity {}", name, to_string(sparsity)));
  if (is_on_command_line("window") && settings.data_options.stream == Streaming::off)
    throw InputError("--window is for samples that are streamed: leave it or --stream off out");
  if (is_on_command_line("k-anneal") && settings.k_anneal > 0 && settings.k_start == 0)
    throw InputError("--k-anneal falls from --k-start N to --k: give --k-start too");
  if (is_on_command_line("features") && settings.recompute && settings.model.empty())
    throw InputError("--features recomputed is for the codes of --model MODEL; without a model there are none");
  if (is_on_command_line("init") && is_init_file(settings.init) && settings.command == kFinetune &&
      !settings.model.empty() && !settings.random)
    throw InputError(fmt::format("--init {} and --model {} both say where weights begin: give one of them",
                                 settings.init, settings.model));
}

}  // namespace

Settings job_settings(const Invocation& invocation, CommandBit command) {
  Settings settings = directory_settings(invocation, command);
  require_recordable(settings);
  check_combinations(settings, given_values(invocation, command));
  check_use(settings, invocation.settings);
  return settings;
}

Settings check_settings(const Invocation& invocation, CommandBit command) {
  const GivenValues given = given_values(invocation, command);
  Settings settings;
  settings.command = command;
  apply_values(settings, given);
  require_recordable(settings);
  check_combinations(settings, given);
  check_use(settings, invocation.settings);
  return settings;
}

}  // namespace lacuna::cli
