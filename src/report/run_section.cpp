#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "report/html.h"
#include "report/loss_chart.h"
#include "report/text.h"

namespace lacuna::report {

namespace {

double total(const Metrics& metrics, const std::string& key) {
  double sum = 0;
  if (!metrics.has(key)) return NAN;
  for (const double value : metrics.columns.at(key))
    if (std::isfinite(value)) sum += value;
  return sum;
}

bool all_zero(const std::vector<double>& values) {
  return std::ranges::all_of(values, [](double value) { return value == 0 || !std::isfinite(value); });
}

std::string curves(const ReportedRun& run) {
  const Metrics& metrics = run.files.metrics;
  std::string charts, zeros;
  for (const std::string& key : drawn_metrics({&run})) {
    if (all_zero(metrics.columns.at(key))) {
      zeros += fmt::format("{}{}", zeros.empty() ? "" : ", ", escaped(title_of(key)));
    } else {
      charts += chart_figure(metric_chart({&run}, key), title_of(key), metric_value(key, metrics.last(key)));
    }
  }
  if (!charts.empty()) charts = "<div class=\"grid\">\n" + charts + "</div>\n";
  if (!zeros.empty()) charts += "<p class=\"note\">Zero throughout: " + zeros + ".</p>\n";
  return charts;
}

std::string picture(const ReportedRun& run, const char* file, const char* alternative, const char* caption) {
  const auto found = run.files.pictures.find(file);
  return found == run.files.pictures.end() ? std::string() : picture_figure(found->second, alternative, caption);
}

std::string samples(const ReportedRun& run) {
  const std::string figures = picture(run, "input.png", "Mosaic of the first samples of the data", "Input") +
                              picture(run, "reconstruction.png",
                                      "Mosaic of the same samples as the network reconstructs them", "Reconstruction");
  return figures.empty() ? figures : "<div class=\"pair\">\n" + figures + "</div>\n";
}

std::string unit_text(const Units& units) {
  const auto count = static_cast<double>(units.means.size());
  const double mean = std::accumulate(units.means.begin(), units.means.end(), 0.0) / count;
  const auto [least, most] = std::ranges::minmax(units.means);
  const auto silent = std::ranges::count_if(units.means, [](double m) { return std::abs(m) < 1e-3; });
  std::string text = fmt::format("{} units; mean activation {}, from {} to {}.", units.means.size(), figure(mean),
                                 figure(least), figure(most));
  if (units.rho && *units.rho > 0)
    text += fmt::format(" Wanted was ρ = {}: the mean is {:.1f}% {}.", figure(*units.rho),
                        100 * std::abs(mean / *units.rho - 1), mean < *units.rho ? "below" : "above");
  if (silent > 0) text += fmt::format(" {} {} below 0.001.", silent, silent == 1 ? "is" : "are");
  return "<p>" + text + "</p>\n";
}

std::string means_chart(const Units& units) {
  Chart chart;
  chart.title = "Mean activation of each unit, sorted";
  chart.x_label = "unit, from the most to the least active";
  chart.kind = ChartKind::area;
  chart.from_zero = chart.whole_x = true;
  Series means{"mean activation", {}, units.means};
  std::ranges::sort(means.y, std::greater{});
  for (std::size_t i = 0; i < means.y.size(); ++i) means.x.push_back(static_cast<double>(i + 1));
  chart.series.push_back(means);
  if (units.rho) chart.references.push_back({*units.rho, "ρ = " + figure(*units.rho)});
  return chart_figure(chart, units.rho ? "ρ̂ of each unit, sorted" : "Mean activation of each unit, sorted", "");
}

std::string histogram_chart(const Units& units) {
  if (units.counts.empty()) return {};
  Chart chart;
  chart.title = "Histogram of all activations";
  chart.x_label = "activation";
  chart.kind = ChartKind::bars;
  chart.logarithmic = true;
  chart.series.push_back({"activations", units.edges, units.counts});
  return chart_figure(chart, "All activations", "how many, logarithmic");
}

std::string units(const ReportedRun& run) {
  const std::string mosaic = picture(run, "weights.png", "Mosaic of the first layer's weights: one tile for each unit",
                                     "What the first 100 units look for");
  std::string activity;
  if (run.files.units && !run.files.units->means.empty())
    activity = unit_text(*run.files.units) + means_chart(*run.files.units) + histogram_chart(*run.files.units);
  if (mosaic.empty() && activity.empty()) return {};
  if (!activity.empty()) activity = "<div class=\"stack\">\n" + activity + "</div>\n";
  return "<div class=\"pair\">\n" + mosaic + activity + "</div>\n";
}

std::string settings(const ReportedRun& run) {
  std::vector<std::string> groups;
  for (const SettingLine& line : run.settings)
    if (std::ranges::find(groups, line.group) == groups.end()) groups.push_back(line.group);
  std::string tables;
  for (const std::string& group : groups) {
    tables += fmt::format("<table class=\"settings\"><caption>{}</caption><tbody>\n", escaped(group));
    for (const SettingLine& line : run.settings) {
      if (line.group != group) continue;
      const std::string was =
          line.changed() ? fmt::format("<span class=\"was\">default {}</span>", escaped(line.standard)) : "";
      tables += fmt::format("<tr{}><th scope=\"row\">{}</th><td>{}{}</td></tr>\n",
                            line.changed() ? " class=\"changed\"" : "", escaped(line.name), escaped(line.value), was);
    }
    tables += "</tbody></table>\n";
  }
  if (tables.empty()) return {};
  return "<p class=\"note\">Bold: not the default.</p>\n<div class=\"grid\">\n" + tables + "</div>\n";
}

void add(std::vector<Headline>& list, const std::string& label, double value, std::string shown,
         std::string note = {}) {
  if (std::isfinite(value)) list.push_back({label, std::move(shown), std::move(note)});
}

}  // namespace

std::string setting_value(const ReportedRun& run, const std::string& name) {
  for (const SettingLine& line : run.settings)
    if (line.name == name) return line.value;
  return {};
}

std::vector<Headline> run_headlines(const ReportedRun& run) {
  std::vector<Headline> list;
  const Metrics& metrics = run.files.metrics;
  if (const auto& evaluation = run.files.evaluation) {
    const auto samples = static_cast<double>(evaluation->samples);
    add(list, "Accuracy", evaluation->accuracy, percent(evaluation->accuracy), evaluation->data);
    add(list, "Errors", samples, figure(std::round(samples * evaluation->error)), "of " + figure(samples));
    add(list, "Cross-entropy", evaluation->cross_entropy, figure(evaluation->cross_entropy), evaluation->data);
  }
  const double loss = metrics.last("loss");
  add(list, "Training loss", loss, figure(loss),
      metrics.clock() == "epoch" ? "mean over the last epoch" : "at the end");
  if (metrics.has("reconstruction")) {
    const double reconstruction = metrics.last("reconstruction");
    add(list, "Reconstruction", reconstruction, figure(reconstruction), setting_value(run, "loss"));
  }
  if (metrics.has("mean_activation")) {
    const double mean = metrics.last("mean_activation");
    const bool wanted = setting_value(run, "sparsity") == "kl";
    add(list, "Mean activation", mean, figure(mean), wanted ? "wanted " + setting_value(run, "rho") : "");
  }
  const double epochs = metrics.last("epoch"), steps = metrics.last("step");
  add(list, "Epochs", epochs, figure(epochs), std::isfinite(steps) ? figure(steps) + " steps" : "");
  const double seconds = total(metrics, "seconds"), speed = metrics.last("samples_per_second");
  add(list, "Time", seconds, duration(seconds), std::isfinite(speed) ? figure(speed) + " samples/s" : "");
  return list;
}

std::string run_summary(const ReportedRun& run) {
  std::vector<std::string> parts;
  const auto value = [&](const char* name) { return setting_value(run, name); };
  if (!value("data").empty()) parts.push_back(value("data"));
  if (!value("hidden").empty()) parts.push_back(value("hidden") + " hidden units");
  if (!value("loss").empty()) parts.push_back(value("loss") + " per " + value("reduction"));
  if (value("sparsity") == "kl")
    parts.push_back(fmt::format("KL sparsity, ρ\u00a0{}, β\u00a0{}", value("rho"), value("beta")));
  if (value("sparsity") == "l1") parts.push_back(fmt::format("L1 sparsity, {}", value("l1")));
  if (value("sparsity") == "topk") parts.push_back("the largest " + value("k"));
  if (!value("optimizer").empty()) parts.push_back(value("optimizer") + ", learning rate " + value("lr"));
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? "" : " · ") + escaped(part);
  return text.empty() ? text : "<p class=\"lede\">" + text + "</p>\n";
}

std::string run_sections(const ReportedRun& run, int level) {
  std::string classifier;
  if (run.files.evaluation) classifier = classifier_sections(*run.files.evaluation, level);
  std::string empty;
  if (run.files.metrics.rows == 0 && !run.files.evaluation)
    empty = "<p class=\"note\">No epoch has ended yet: there are no curves.</p>\n";
  return list_of_problems(run.files.problems) + empty + classifier + section(level, "Curves", curves(run)) +
         section(level, "Units", units(run)) + section(level, "Input and reconstruction", samples(run)) +
         section(level, "Settings", settings(run));
}

}  // namespace lacuna::report
