#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "cli/commands.h"
#include "cli/config.h"
#include "cli/output.h"
#include "cli/sweep_results.h"
#include "io/atomic_file.h"
#include "io/file.h"
#include "io/printable.h"
#include "lacuna/error.h"
#include "report/page.h"

namespace lacuna::cli {

namespace fs = std::filesystem;

namespace {

/// In the order of the settings, what they do not know last.
std::vector<report::SettingLine> setting_lines(const std::string& config) {
  std::vector<report::SettingLine> lines;
  const Settings defaults;
  std::map<std::string, std::string> values = config_values(config);
  for (const Setting& setting : all_settings())
    if (const auto value = values.extract(setting.name)) {
      const std::string standard = setting.show(defaults);
      lines.push_back({setting.group, setting.name, value.mapped(), standard});
    }
  for (const auto& [name, value] : values) lines.push_back({"Other", name, value, ""});
  return lines;
}

report::ReportedRun read_run(const std::string& path, const std::string& name) {
  report::ReportedRun run{path, name, {}, report::read_run_files(path)};
  const std::string config = path + "/config.toml";
  std::error_code ignored;
  if (!fs::exists(config, ignored)) {
    run.files.problems.push_back(config + " is missing: the settings are not known");
    return run;
  }
  try {
    run.settings = setting_lines(config);
  } catch (const InputError& error) {
    run.files.problems.emplace_back(error.what());
  }
  return run;
}

report::ReportedRecipe read_recipe_runs(const std::string& path) {
  report::ReportedRecipe reported{path, report::read_recipe(path), {}};
  std::vector<std::string> seen;
  const auto pass_of = [](const std::string& run) { return run.substr(0, run.rfind('/') + 1); };
  std::string first_pass;
  for (const report::Recipe::Stage& stage : reported.recipe.stages) {
    const std::string directory = path + "/" + stage.run;
    // With several seeds those of the first are shown; the tables are over all.
    if (first_pass.empty()) first_pass = pass_of(stage.run);
    if (reported.recipe.seeds > 1 && pass_of(stage.run) != first_pass) continue;
    if (stage.run.empty() || std::ranges::find(seen, stage.run) != seen.end()) continue;
    seen.push_back(stage.run);
    if (report::is_run_directory(directory)) {
      reported.runs.push_back(read_run(directory, stage.name));
    } else {
      reported.recipe.problems.push_back(fmt::format("stage {}: {} is not a run directory", stage.name, directory));
    }
  }
  return reported;
}

void require_run(const std::string& path) {
  std::error_code ignored;
  if (!fs::is_directory(path, ignored))
    throw InputError(fmt::format("{} is not a directory; report takes the --out of runs", io::printable(path)));
  if (!report::is_run_directory(path))
    throw InputError(
        fmt::format("{} is not a run directory: it holds no config.toml, metrics.jsonl, evaluation.json or "
                    "recipe.json",
                    io::printable(path)));
}

/// The directories' own names, and their paths where those are not enough to tell them apart.
std::vector<std::string> names_of(const std::vector<std::string>& paths) {
  std::vector<std::string> names;
  for (const std::string& path : paths) {
    std::error_code ignored;
    const std::string name = fs::absolute(path, ignored).lexically_normal().filename().string();
    names.push_back(name.empty() ? path : name);
  }
  const std::vector<std::string> short_names = names;
  for (std::size_t i = 0; i < names.size(); ++i)
    if (std::ranges::count(short_names, short_names[i]) > 1) names[i] = paths[i];
  return names;
}

std::string page_of(const std::vector<std::string>& paths) {
  const std::vector<std::string> names = names_of(paths);
  if (paths.size() == 1 && report::is_recipe_directory(paths.front()))
    return report::recipe_page(read_recipe_runs(paths.front()), LACUNA_VERSION);
  if (paths.size() == 1) return report::run_page(read_run(paths.front(), names.front()), LACUNA_VERSION);
  std::vector<report::ReportedRun> runs;
  for (std::size_t i = 0; i < paths.size(); ++i) {
    if (report::is_recipe_directory(paths[i]))
      throw InputError(
          fmt::format("{} holds a recipe, which has a page of its own: lacuna report {}", paths[i], paths[i]));
    runs.push_back(read_run(paths[i], names[i]));
  }
  return report::comparison_page(runs, LACUNA_VERSION);
}

}  // namespace

void write_report(const std::vector<std::string>& paths, const std::string& out) {
  const std::string page = page_of(paths);
  io::write_text_file(out, page);
  tell(fmt::format("{}: {} kB, open it with a browser", out, page.size() / 1024));
}

int report_command(const Invocation& invocation) {
  const std::string usage = "report RUN... [--out FILE.html]";
  std::vector<std::string> paths;
  for (const std::string& path : invocation.require_list("run", usage)) paths.push_back(io::without_slashes(path));
  const std::string first = paths.front();
  if (paths.size() == 1 && is_sweep_directory(first)) {
    paths = sweep_runs(first);
    if (paths.empty()) throw InputError(fmt::format("{}: no model of the sweep has been trained yet", first));
  }
  for (const std::string& path : paths) require_run(path);
  if (paths.size() > 1 && !invocation.has("out") && !is_sweep_directory(first))
    throw InputError("several runs go into a page outside of them: name it with --out FILE.html");
  write_report(paths, invocation.has("out") ? invocation.get("out") : first + "/report.html");
  return 0;
}

}  // namespace lacuna::cli
