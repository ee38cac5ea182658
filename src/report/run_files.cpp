#include "report/run_files.h"

#include <fmt/format.h>

#include <cmath>
#include <filesystem>
#include <limits>
#include <nlohmann/json.hpp>

#include "io/file.h"
#include "lacuna/error.h"
#include "report/png.h"

namespace lacuna::report {

namespace fs = std::filesystem;

namespace {

using nlohmann::json;

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
constexpr std::size_t kLargestText = 256U << 20, kLargestPicture = 32U << 20;

bool exists(const std::string& path) {
  std::error_code ignored;
  return fs::exists(path, ignored);
}

std::string read_bytes(const std::string& path, std::size_t largest) {
  std::error_code error;
  if (fs::is_regular_file(path, error) && fs::file_size(path, error) == 0) return {};
  const io::FileBytes file = io::map_file(path);
  if (file.size > largest) throw InputError(fmt::format("{}: {} bytes are too many for a report", path, file.size));
  return {reinterpret_cast<const char*>(file.data), file.size};
}

json read_json(const std::string& path) {
  json value = json::parse(read_bytes(path, kLargestText), nullptr, false);
  if (!value.is_object()) throw InputError(fmt::format("{}: is not a JSON object", path));
  return value;
}

double number(const json& value) {
  return value.is_number() ? value.get<double>() : kNone;
}

std::vector<double> numbers(const json& values) {
  std::vector<double> out;
  for (const json& value : values) out.push_back(value.get<double>());
  return out;
}

Units units_from(const json& file) {
  Units units;
  if (const auto rho = file.find("rho"); rho != file.end() && rho->is_number()) units.rho = rho->get<double>();
  units.means = numbers(file.at("unit_means"));
  if (const auto histogram = file.find("activation_histogram"); histogram != file.end()) {
    units.edges = numbers(histogram->at("edges"));
    units.counts = numbers(histogram->at("counts"));
    if (units.edges.size() != units.counts.size() + 1)
      throw InputError(fmt::format("{} edges do not fit {} counts", units.edges.size(), units.counts.size()));
  }
  return units;
}

Evaluation evaluation_from(const json& file) {
  Evaluation evaluation;
  evaluation.data = file.value("data", "");
  evaluation.samples = file.at("samples").get<std::int64_t>();
  evaluation.accuracy = file.at("accuracy").get<double>();
  evaluation.error = file.value("error", 1 - evaluation.accuracy);
  evaluation.cross_entropy = file.contains("cross_entropy") ? number(file["cross_entropy"]) : kNone;
  for (const json& entry : file.value("per_class", json::array())) {
    Evaluation::Class one;
    one.name = entry.at("class").is_string() ? entry["class"].get<std::string>() : entry["class"].dump();
    one.samples = entry.at("samples").get<std::int64_t>();
    one.correct = entry.at("correct").get<std::int64_t>();
    one.accuracy = number(entry.at("accuracy"));
    evaluation.classes.push_back(one);
  }
  evaluation.confusion = file.value("confusion", evaluation.confusion);
  const std::size_t classes = evaluation.confusion.empty() ? evaluation.classes.size() : evaluation.confusion.size();
  bool square = evaluation.classes.size() == classes;
  for (const auto& row : evaluation.confusion) square = square && row.size() == classes;
  if (!square) throw InputError("confusion and per_class disagree about the number of classes");
  return evaluation;
}

/// Reads a JSON file that may be missing; what is wrong with it becomes a problem.
template <class T>
std::optional<T> read_if_there(const std::string& path, T (*from)(const json&), std::vector<std::string>& problems) {
  if (!exists(path)) return std::nullopt;
  try {
    return from(read_json(path));
  } catch (const json::exception& error) {
    problems.push_back(fmt::format("{}: {}", path, error.what()));
  } catch (const InputError& error) {
    const std::string what = error.what();
    problems.push_back(what.starts_with(path) ? what : fmt::format("{}: {}", path, what));
  }
  return std::nullopt;
}

void add_row(Metrics& metrics, const nlohmann::ordered_json& row) {
  for (const auto& [key, value] : row.items()) {
    if (!value.is_number()) continue;
    auto [column, is_new] = metrics.columns.try_emplace(key);
    if (is_new) metrics.keys.push_back(key);
    column->second.resize(metrics.rows, kNone);
    column->second.push_back(value.get<double>());
  }
  ++metrics.rows;
  for (auto& [key, column] : metrics.columns) column.resize(metrics.rows, kNone);
}

std::optional<Picture> read_picture(const std::string& path, const std::string& title,
                                    std::vector<std::string>& problems) {
  try {
    Picture picture{title, 0, 0, read_bytes(path, kLargestPicture)};
    const auto size = png_size(picture.bytes);
    if (!size) throw InputError(fmt::format("{}: is not a PNG that can be shown", path));
    picture.width = size->width;
    picture.height = size->height;
    return picture;
  } catch (const InputError& error) {
    problems.emplace_back(error.what());
    return std::nullopt;
  }
}

/// Somebody else's recipe.json must not be able to put other files of this machine into a page.
bool stays_below(const fs::path& path) {
  if (path.empty() || path.is_absolute()) return false;
  for (const fs::path& part : path)
    if (part == "..") return false;
  return true;
}

/// A bound as people read it: 0.983 of a share is 98.3 %.
std::string bound_text(const json& bar, const char* key, const char* word) {
  if (!bar.contains(key) || !bar[key].is_number()) return {};
  const double bound = bar[key].get<double>();
  const std::string show = bar.value("show", "");
  const std::string number = show == "percent"   ? fmt::format("{:.4g} %", 100 * bound)
                             : show == "seconds" ? fmt::format("{:.4g} s", bound)
                             : show == "count"   ? fmt::format("{:.0f}", bound)
                                                 : fmt::format("{:.4g}", bound);
  return fmt::format("{} {}", word, number);
}

Recipe::Goal goal_from(const json& bar) {
  Recipe::Goal goal;
  goal.title = bar.at("title").get<std::string>();
  goal.shown = bar.value("shown", "");
  const std::string least = bound_text(bar, "at_least", "at least"), most = bound_text(bar, "at_most", "at most");
  goal.wanted = least + (least.empty() || most.empty() ? "" : ", ") + most;
  goal.reached = bar.at("reached").get<bool>();
  return goal;
}

Recipe recipe_from(const std::string& directory, const json& file) {
  Recipe recipe;
  recipe.name = file.at("recipe").get<std::string>();
  recipe.title = file.value("title", recipe.name);
  recipe.description = file.value("description", "");
  recipe.device = file.value("device", "");
  recipe.seconds = file.contains("seconds") ? number(file["seconds"]) : kNone;
  recipe.quick = file.value("quick", false);
  recipe.seeds = file.value("seeds", std::int64_t{1});
  for (const json& bar : file.value("bars", json::array())) recipe.goals.push_back(goal_from(bar));
  for (const json& entry : file.value("stages", json::array())) {
    Recipe::Stage stage{entry.at("name").get<std::string>(), entry.value("kind", ""), entry.value("run", ""),
                        entry.contains("seconds") ? number(entry["seconds"]) : kNone};
    if (!stage.run.empty() && !stays_below(stage.run)) {
      recipe.problems.push_back(
          fmt::format("stage {}: its run {} does not lie below {}", stage.name, stage.run, directory));
      stage.run.clear();
    }
    recipe.stages.push_back(stage);
  }
  for (const json& entry : file.value("tables", json::array())) {
    Recipe::Table table{entry.value("title", ""), entry.value("note", ""), {}, {}};
    for (const json& cell : entry.at("columns")) table.columns.push_back(cell.get<std::string>());
    for (const json& row : entry.at("rows")) {
      auto& cells = table.rows.emplace_back();
      for (const json& cell : row) cells.push_back(cell.is_string() ? cell.get<std::string>() : cell.dump());
      cells.resize(table.columns.size());
    }
    recipe.tables.push_back(table);
  }
  for (const json& entry : file.value("pictures", json::array())) {
    const auto name = entry.at("file").get<std::string>();
    if (!stays_below(name)) {
      recipe.problems.push_back(fmt::format("picture {} does not lie below {}", name, directory));
      continue;
    }
    auto picture = read_picture(directory + "/" + name, entry.value("title", name), recipe.problems);
    if (picture) recipe.pictures.push_back(std::move(*picture));
  }
  return recipe;
}

}  // namespace

double Metrics::last(const std::string& key) const {
  const auto column = columns.find(key);
  if (column == columns.end()) return kNone;
  for (auto at = column->second.rbegin(); at != column->second.rend(); ++at)
    if (std::isfinite(*at)) return *at;
  return kNone;
}

std::string Metrics::clock() const {
  const auto epochs = columns.find("epoch");
  if (epochs == columns.end()) return "step";
  for (std::size_t i = 1; i < rows; ++i)
    if (!(epochs->second[i] > epochs->second[i - 1])) return has("step") ? "step" : "epoch";
  return "epoch";
}

Metrics read_metrics(const std::string& path, std::vector<std::string>& problems) {
  Metrics metrics;
  if (!exists(path)) return metrics;
  const std::string text = read_bytes(path, kLargestText);
  std::size_t line = 0;
  for (std::size_t at = 0; at < text.size(); ++line) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const auto row = nlohmann::ordered_json::parse(text.begin() + static_cast<std::ptrdiff_t>(at),
                                                   text.begin() + static_cast<std::ptrdiff_t>(end), nullptr, false);
    if (row.is_object()) {
      add_row(metrics, row);
    } else if (end > at) {
      problems.push_back(fmt::format("{}:{}: is not a JSON object and was left out", path, line + 1));
    }
    at = end + 1;
  }
  return metrics;
}

RunFiles read_run_files(const std::string& directory) {
  RunFiles run;
  try {
    run.metrics = read_metrics(directory + "/metrics.jsonl", run.problems);
  } catch (const InputError& error) {
    run.problems.emplace_back(error.what());
  }
  run.units = read_if_there(directory + "/units.json", units_from, run.problems);
  run.evaluation = read_if_there(directory + "/evaluation.json", evaluation_from, run.problems);
  for (const char* name : {"weights.png", "input.png", "reconstruction.png"}) {
    const std::string path = directory + "/" + name;
    if (!exists(path)) continue;
    if (auto picture = read_picture(path, name, run.problems)) run.pictures[name] = std::move(*picture);
  }
  return run;
}

Recipe read_recipe(const std::string& directory) {
  const std::string path = directory + "/recipe.json";
  try {
    return recipe_from(directory, read_json(path));
  } catch (const json::exception& error) {
    throw InputError(fmt::format("{}: {}", path, error.what()));
  }
}

bool is_run_directory(const std::string& directory) {
  for (const char* name : {"metrics.jsonl", "config.toml", "evaluation.json", "units.json"})
    if (exists(directory + "/" + name)) return true;
  return is_recipe_directory(directory);
}

bool is_recipe_directory(const std::string& directory) {
  return exists(directory + "/recipe.json");
}

}  // namespace lacuna::report
