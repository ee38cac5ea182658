#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "cli/commands.h"
#include "cli/resolve.h"
#include "cli/sweep_run.h"
#include "io/file.h"
#include "lacuna/error.h"

namespace lacuna::cli {

namespace {

constexpr const char* kUsage = "sweep --grid NAME=VALUE,... --out DIR";

/// A sweep that goes on begins with what it wrote down, unless a file is named.
Invocation with_config(const Invocation& invocation, const SweepPlan& plan) {
  Invocation whole = invocation;
  const std::string written = plan.out + "/sweep.toml";
  std::error_code ignored;
  if (plan.resume && !invocation.has("config") && std::filesystem::exists(written, ignored))
    whole.other["config"] = written;
  return whole;
}

/// The axes of the file, but for what the command line gives, and then its own.
std::vector<GridAxis> axes_of(const Invocation& invocation, const std::vector<GivenList>& configured) {
  std::vector<GridAxis> own, all;
  const auto has = [](const std::vector<GridAxis>& axes, const std::string& name) {
    return std::ranges::any_of(axes, [&](const GridAxis& axis) { return name == axis.setting->name; });
  };
  if (const auto given = invocation.lists.find("grid"); given != invocation.lists.end())
    for (const std::string& text : given->second) {
      const GridAxis axis = make_axis(parse_grid(text));
      if (has(own, axis.setting->name)) throw InputError(fmt::format("--grid {} is there twice", axis.setting->name));
      if (invocation.settings.contains(axis.setting->name))
        throw InputError(fmt::format("--{0} and --grid {0} exclude each other", axis.setting->name));
      own.push_back(axis);
    }
  for (const GivenList& list : configured) {
    const GridAxis axis = make_axis(list);
    if (!has(own, list.name) && !invocation.settings.contains(list.name)) all.push_back(axis);
  }
  all.insert(all.end(), own.begin(), own.end());
  return all;
}

void require_free(const SweepPlan& plan) {
  std::error_code ignored;
  if (plan.force || plan.resume || !std::filesystem::exists(plan.out, ignored)) return;
  throw InputError(
      fmt::format("{} exists; go on with its sweep (--resume), replace its runs (--force) or choose another "
                  "--out",
                  plan.out));
}

}  // namespace

int sweep_command(const Invocation& invocation) {
  SweepPlan plan;
  const auto is_on = [&](const char* name) {
    const auto found = invocation.settings.find(name);
    return found != invocation.settings.end() && found->second.text != "off" && found->second.text != "false";
  };
  plan.force = is_on("force");
  plan.resume = is_on("resume");
  if (plan.force && plan.resume) throw InputError("--force and --resume exclude each other");
  const auto out = invocation.settings.find("out");
  if (out == invocation.settings.end() || out->second.text.empty())
    throw InputError(fmt::format("sweep needs a directory for its results: lacuna {}", kUsage));
  plan.out = io::without_slashes(out->second.text);
  plan.jobs = invocation.count("jobs", 1, 0);
  if (invocation.has("metric")) plan.metric = parse_metric(invocation.get("metric"));

  std::vector<GivenList> configured;
  plan.settings = given_values(with_config(invocation, plan), kTrain, &configured);
  if (plan.settings.contains("profile"))
    throw InputError("--profile times the steps of one model, which others beside it would disturb: use lacuna train");
  plan.axes = axes_of(invocation, configured);
  if (plan.axes.empty())
    throw InputError(fmt::format("sweep needs settings to vary: lacuna {}, such as --grid rho=0.05,0.1", kUsage));
  for (const char* own : {"out", "force", "resume"}) plan.settings.erase(own);
  for (const GridAxis& axis : plan.axes) {
    const auto fixed = plan.settings.find(axis.setting->name);
    if (fixed == plan.settings.end()) continue;
    const bool both_in_file =
        std::ranges::any_of(configured, [&](const GivenList& list) { return list.name == axis.setting->name; });
    if (both_in_file) throw InputError(fmt::format("{}: is in [grid] too: give one of them", fixed->second.where));
    plan.settings.erase(fixed);
  }
  plan.settings.emplace("threads", GivenValue{"1", "sweep"});
  require_free(plan);
  return run_sweep(plan);
}

}  // namespace lacuna::cli
