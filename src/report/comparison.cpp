#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>

#include "report/html.h"
#include "report/loss_chart.h"
#include "report/text.h"

namespace lacuna::report {

namespace {

bool ends_with_any(std::string_view key, std::initializer_list<std::string_view> ends) {
  return std::ranges::any_of(ends, [&](std::string_view end) { return key.ends_with(end); });
}

/// Shares between 0 and 1 of samples that are right or wrong.
bool is_share(const std::string& key) {
  return ends_with_any(key, {"_error", "_accuracy"});
}

/// Settings that are not the same in all runs, in the order of the files; where a run was computed does not count.
std::vector<std::string> differing_settings(const std::vector<const ReportedRun*>& runs) {
  std::vector<std::string> names;
  for (const ReportedRun* run : runs)
    for (const SettingLine& line : run->settings) {
      if (line.group == "Run" || std::ranges::find(names, line.name) != names.end()) continue;
      const bool differs = std::ranges::any_of(
          runs, [&](const ReportedRun* other) { return setting_value(*other, line.name) != line.value; });
      if (differs) names.push_back(line.name);
    }
  return names;
}

struct Spread {
  double least = INFINITY, most = -INFINITY;
  /// Then the axis may as well begin there.
  bool comes_near_zero() const { return least >= 0 && least < 0.4 * most; }
  /// Then one would see the largest only.
  bool over_decades() const { return least > 0 && most > 50 * least; }
};

Spread spread_of(const Chart& chart) {
  Spread spread;
  for (const Series& series : chart.series)
    for (const double y : series.y) {
      if (!std::isfinite(y)) continue;
      spread.least = std::min(spread.least, y);
      spread.most = std::max(spread.most, y);
    }
  return spread;
}

std::string or_dash(const std::string& text) {
  return text.empty() ? "–" : text;
}

std::vector<const ReportedRun*> pointers(const std::vector<ReportedRun>& runs) {
  std::vector<const ReportedRun*> out;
  for (const ReportedRun& run : runs) out.push_back(&run);
  return out;
}

std::string comparison_table(const std::vector<const ReportedRun*>& runs) {
  const std::vector<std::string> settings = differing_settings(runs), metrics = drawn_metrics(runs);
  const bool evaluated =
      std::ranges::any_of(runs, [](const ReportedRun* run) { return run->files.evaluation.has_value(); });
  std::vector<std::string> columns{"run"};
  columns.insert(columns.end(), settings.begin(), settings.end());
  if (evaluated) columns.emplace_back("accuracy");
  for (const std::string& key : metrics) columns.push_back("final " + words_of(key));
  std::vector<std::vector<std::string>> rows;
  for (const ReportedRun* run : runs) {
    auto& row = rows.emplace_back();
    row.push_back(run->name);
    for (const std::string& name : settings) row.push_back(or_dash(setting_value(*run, name)));
    if (evaluated) row.push_back(run->files.evaluation ? percent(run->files.evaluation->accuracy) : "–");
    for (const std::string& key : metrics) row.push_back(metric_value(key, run->files.metrics.last(key)));
  }
  return text_table("Settings that differ, and where each run ended", columns, rows);
}

std::string overlaid_curves(const std::vector<const ReportedRun*>& runs) {
  std::vector<std::string> names;
  for (const ReportedRun* run : runs) names.push_back(run->name);
  std::string charts;
  for (const std::string& key : drawn_metrics(runs)) charts += chart_figure(metric_chart(runs, key), title_of(key), "");
  return charts.empty() ? charts : legend(names) + "<div class=\"grid\">\n" + charts + "</div>\n";
}

std::string mosaics(const std::vector<const ReportedRun*>& runs) {
  std::string figures;
  for (const ReportedRun* run : runs)
    if (const auto found = run->files.pictures.find("weights.png"); found != run->files.pictures.end())
      figures += picture_figure(found->second, "Mosaic of the first layer's weights of " + run->name, run->name);
  return figures.empty() ? figures : "<div class=\"grid\">\n" + figures + "</div>\n";
}

}  // namespace

std::string metric_value(const std::string& key, double value) {
  return is_share(key) ? percent(value) : figure(value);
}

std::vector<std::string> drawn_metrics(const std::vector<const ReportedRun*>& runs) {
  constexpr std::array<std::string_view, 3> kClocks{"epoch", "step", "seconds"};
  std::vector<std::string> keys;
  for (const ReportedRun* run : runs)
    for (const std::string& key : run->files.metrics.keys)
      if (std::ranges::find(kClocks, key) == kClocks.end() && std::ranges::find(keys, key) == keys.end())
        keys.push_back(key);
  return keys;
}

Chart metric_chart(const std::vector<const ReportedRun*>& runs, const std::string& key) {
  Chart chart;
  chart.whole_x = true;
  chart.shares = is_share(key);
  std::string clock;
  for (const ReportedRun* run : runs) {
    const Metrics& metrics = run->files.metrics;
    chart.series.push_back(series_of(metrics, key, run->name));
    if (metrics.has(key) && clock.find(metrics.clock()) == std::string::npos)
      clock += (clock.empty() ? "" : " or ") + metrics.clock();
  }
  const Spread spread = spread_of(chart);
  chart.logarithmic = !chart.shares && spread.over_decades();
  chart.from_zero = !chart.logarithmic && (key == "samples_per_second" || spread.comes_near_zero());
  chart.x_label = clock;
  chart.title = title_of(key) + " over " + clock + "s";
  if (runs.size() == 1) chart.title += ", at the end " + metric_value(key, runs.front()->files.metrics.last(key));
  const bool one_rho = std::ranges::all_of(runs, [&](const ReportedRun* run) {
    return setting_value(*run, "sparsity") == "kl" && setting_value(*run, "rho") == setting_value(*runs.front(), "rho");
  });
  if (key == "mean_activation" && one_rho) {
    const double rho = std::strtod(setting_value(*runs.front(), "rho").c_str(), nullptr);
    if (rho > 0) chart.references.push_back({rho, "ρ = " + figure(rho)});
  }
  return chart;
}

std::string comparison_page(const std::vector<ReportedRun>& runs, const std::string& version) {
  const auto all = pointers(runs);
  std::string body = section(2, "Comparison", comparison_table(all)) + section(2, "Curves", overlaid_curves(all)) +
                     section(2, "What the units look for", mosaics(all));
  for (const ReportedRun& run : runs)
    body +=
        section(2, run.name,
                run_summary(run) + "<p class=\"where\"><code>" + escaped(run.path) + "</code></p>\n" +
                    headlines(run_headlines(run)) + "<details>\n<summary>Curves, pictures and settings</summary>\n" +
                    run_sections(run, 3) + "</details>\n");
  return document(fmt::format("{} runs side by side", runs.size()), "Lacuna · training report", "", body, version);
}

}  // namespace lacuna::report
