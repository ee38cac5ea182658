#include "cli/sweep_results.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <numeric>
#include <string_view>

#include "core/json_text.h"
#include "core/words.h"
#include "io/atomic_file.h"
#include "io/file.h"
#include "io/printable.h"
#include "lacuna/error.h"
#include "report/sweep_sheet.h"

namespace lacuna::cli {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

namespace {

constexpr std::string_view kMetrics[] = {"loss",         "reconstruction",  "sparsity",
                                         "weight_decay", "mean_activation", "validation_loss"};
/// Beside the metric that is sorted by, in the table.
constexpr std::string_view kShown[] = {"validation_loss", "reconstruction", "sparsity", "loss", "mean_activation"};
/// Of a run's summary, what a row keeps.
constexpr std::string_view kKept[] = {"epochs",
                                      "steps",
                                      "evaluations",
                                      "best_epoch",
                                      "loss",
                                      "reconstruction",
                                      "sparsity",
                                      "weight_decay",
                                      "mean_activation",
                                      "validation_loss",
                                      "samples_per_second",
                                      "seconds",
                                      "training_seconds",
                                      "device",
                                      "error"};

bool is_trained(std::string_view status) {
  return status == "complete" || status == "converged" || status == "stopped early";
}

std::string sweep_file(const std::string& path) {
  return path + "/sweep.json";
}

/// A setting's value as JSON: a number where it is one.
Json value_of(const Setting& setting, const std::string& text) {
  const bool number = setting.type == ValueType::integer || setting.type == ValueType::number;
  return number ? Json::parse(text, nullptr, false) : Json(text);
}

double figure_of(const Json& row, std::string_view key) {
  const auto found = row.find(key);
  return found != row.end() && found->is_number() ? found->get<double>() : NAN;
}

std::string figure_text(double value) {
  return std::isnan(value) ? "-" : fmt::format("{:.5g}", value);
}

Json read_sweep(const std::string& path) {
  try {
    const io::FileBytes file = io::read_file(sweep_file(path));
    Json json = Json::parse(file.data, file.data + file.size);
    for (const Json& row : json.at("cells")) {
      row.at("cell").get<std::string>();
      row.at("status").get<std::string>();
    }
    return json;
  } catch (const nlohmann::json::exception& error) {
    throw InputError(fmt::format("{}: is not what a sweep writes: {}", sweep_file(path), error.what()));
  }
}

/// Columns as wide as what stands in them; numbers to the right.
std::string aligned(const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths(rows.front().size());
  for (const auto& row : rows)
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  std::string text;
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i)
      line += i + 1 < row.size() ? fmt::format("{:>{}}  ", row[i], widths[i]) : row[i];
    text += line + "\n";
  }
  text.pop_back();
  return text;
}

}  // namespace

std::string parse_metric(const std::string& name) {
  std::string key = name;
  std::ranges::replace(key, '-', '_');
  if (std::ranges::find(kMetrics, key) != std::end(kMetrics)) return key;
  throw InputError(fmt::format("--metric: unknown metric {}{}; known: {}", io::printable(name),
                               words::did_you_mean(key, kMetrics), fmt::join(kMetrics, ", ")));
}

SweepResults::SweepResults(std::string out, std::vector<GridAxis> axes, const std::vector<SweepCell>& cells,
                           std::string metric)
    : out_(std::move(out)), axes_(std::move(axes)), metric_(std::move(metric)) {
  for (const SweepCell& cell : cells) {
    Json row{{"cell", cell.name}, {"settings", Json::object()}, {"status", "waiting"}};
    for (const GridAxis& axis : axes_)
      row["settings"][axis.setting->name] = value_of(*axis.setting, cell.settings.at(axis.setting->name).text);
    rows_.push_back(std::move(row));
  }
}

void SweepResults::recall() {
  if (!is_sweep_directory(out_)) return;
  const Json before = read_sweep(out_);
  for (const Json& row : before["cells"]) before_[row["cell"].get<std::string>()] = row;
}

bool SweepResults::take_finished(std::size_t cell, std::int64_t epochs) {
  const auto found = before_.find(rows_[cell]["cell"].get<std::string>());
  if (found == before_.end()) return false;
  const std::string status = found->second["status"].get<std::string>();
  std::error_code ignored;
  const bool trained = is_trained(status) && fs::exists(run(cell) + "/model.safetensors", ignored) &&
                       (status != "complete" || figure_of(found->second, "epochs") == static_cast<double>(epochs));
  if (!trained && (status != "diverged" || !fs::exists(run(cell), ignored))) return false;
  rows_[cell] = found->second;
  return true;
}

void SweepResults::set(std::size_t cell, const std::string& status, const Json& found) {
  Json& row = rows_[cell];
  row["status"] = status == "already complete" ? "complete" : status;
  for (const std::string_view key : kKept)
    if (const auto value = found.find(key); value != found.end()) row[std::string(key)] = *value;
}

std::string SweepResults::line(std::size_t cell) const {
  const Json& row = rows_[cell];
  std::string text = fmt::format("{}  {}", row["cell"].get<std::string>(), status(cell));
  if (row.contains("error")) return text + ": " + row["error"].get<std::string>();
  text += fmt::format("  {} {}", metric_, figure_text(figure_of(row, metric_)));
  if (const double seconds = figure_of(row, "seconds"); !std::isnan(seconds))
    text += fmt::format("  {:.1f} s", seconds);
  return text;
}

std::size_t SweepResults::count(const std::string& wanted) const {
  return static_cast<std::size_t>(
      std::ranges::count_if(rows_, [&](const Json& row) { return row["status"] == wanted; }));
}

std::size_t SweepResults::trained() const {
  return static_cast<std::size_t>(
      std::ranges::count_if(rows_, [](const Json& row) { return is_trained(row["status"].get<std::string>()); }));
}

std::vector<std::size_t> SweepResults::order() const {
  std::vector<std::size_t> order(rows_.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  // What was not trained to its end has no place among the others.
  const auto key = [this](std::size_t i) {
    const bool trained = is_trained(status(i));
    const double figure = figure_of(rows_[i], metric_);
    return std::tuple(!trained, std::isnan(figure), std::isnan(figure) ? 0.0 : figure);
  };
  std::ranges::stable_sort(order, [&](std::size_t a, std::size_t b) { return key(a) < key(b); });
  return order;
}

std::vector<std::string> SweepResults::trained_runs() const {
  std::vector<std::string> runs;
  for (const std::size_t cell : order())
    if (is_trained(status(cell))) runs.push_back(run(cell));
  return runs;
}

std::string SweepResults::table() const {
  std::vector<std::string> keys{metric_};
  for (const std::string_view key : kShown)
    if (key != metric_ && std::ranges::any_of(rows_, [&](const Json& row) { return row.contains(key); }))
      keys.emplace_back(key);
  std::vector<std::vector<std::string>> lines(1);
  for (const GridAxis& axis : axes_) lines[0].emplace_back(axis.setting->name);
  lines[0].insert(lines[0].end(), keys.begin(), keys.end());
  lines[0].insert(lines[0].end(), {"epochs", "seconds", "status"});
  for (const std::size_t cell : order()) {
    const Json& row = rows_[cell];
    auto& line = lines.emplace_back();
    for (const GridAxis& axis : axes_) {
      const Json& value = row["settings"][axis.setting->name];
      line.push_back(value.is_string() ? value.get<std::string>() : value.dump());
    }
    for (const std::string& key : keys) line.push_back(figure_text(figure_of(row, key)));
    line.push_back(figure_text(figure_of(row, "epochs")));
    const double seconds = figure_of(row, "seconds");
    line.push_back(std::isnan(seconds) ? "-" : fmt::format("{:.1f}", seconds));
    line.push_back(status(cell));
  }
  return aligned(lines);
}

std::string SweepResults::picture() const {
  report::SweepSheet sheet;
  sheet.metric = metric_;
  // The last axis that varies goes to the right, the others downwards.
  for (const GridAxis& axis : axes_)
    if (axis.values.size() > 1) sheet.across = axis.setting->name;
  std::map<std::string, std::size_t> rows, columns;
  const auto place = [](std::map<std::string, std::size_t>& places, std::vector<std::string>& names,
                        const std::string& name) {
    const auto [found, fresh] = places.try_emplace(name, names.size());
    if (fresh) names.push_back(name);
    return found->second;
  };
  for (std::size_t cell = 0; cell < rows_.size(); ++cell) {
    std::string row, column;
    for (const GridAxis& axis : axes_) {
      if (axis.values.size() < 2) continue;
      const Json& value = rows_[cell]["settings"][axis.setting->name];
      const std::string text =
          fmt::format("{} {}", axis.setting->name, value.is_string() ? value.get<std::string>() : value.dump());
      if (axis.setting->name == sheet.across)
        column = text;
      else
        row += (row.empty() ? "" : ", ") + text;
    }
    report::SweepTile tile;
    tile.row = place(rows, sheet.rows, row);
    tile.column = place(columns, sheet.columns, column);
    tile.status = status(cell);
    tile.value = is_trained(tile.status) ? figure_of(rows_[cell], metric_) : NAN;
    tile.picture = is_trained(tile.status) ? run(cell) + "/weights.png" : "";
    sheet.tiles.push_back(std::move(tile));
  }
  return report::sweep_sheet(sheet);
}

void SweepResults::write(const Json& about, bool pictures) const {
  Json json = about;
  json["metric"] = metric_;
  json["grid"] = Json::object();
  for (const GridAxis& axis : axes_) {
    Json& values = json["grid"][axis.setting->name] = Json::array();
    for (const std::string& value : axis.values) values.push_back(value_of(*axis.setting, value));
  }
  json["cells"] = Json::array();
  for (const std::size_t cell : order()) json["cells"].push_back(rows_[cell]);
  io::write_text_file(sweep_file(out_), core::json_text(json) + "\n");
  if (pictures) io::write_text_file(out_ + "/sweep.svg", picture());
}

bool is_sweep_directory(const std::string& path) {
  std::error_code ignored;
  return fs::exists(sweep_file(path), ignored);
}

std::vector<std::string> sweep_runs(const std::string& path) {
  std::vector<std::string> runs;
  const Json json = read_sweep(path);
  for (const Json& row : json["cells"])
    if (is_trained(row["status"].get<std::string>())) runs.push_back(path + "/" + row["cell"].get<std::string>());
  return runs;
}

}  // namespace lacuna::cli
