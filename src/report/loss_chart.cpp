#include "report/loss_chart.h"

#include <algorithm>
#include <cmath>

#include "io/atomic_file.h"
#include "report/text.h"

namespace lacuna::report {

namespace {

/// Where a loss falls this far, its end cannot be seen on a linear axis.
constexpr double kManyfold = 30;

bool spans_decades(const std::vector<double>& values) {
  double least = INFINITY, most = 0;
  for (const double value : values) {
    if (!std::isfinite(value)) continue;
    least = std::min(least, value);
    most = std::max(most, value);
  }
  return least > 0 && most > kManyfold * least;
}

bool all_zero(const std::vector<double>& values) {
  return std::ranges::all_of(values, [](double value) { return value == 0 || !std::isfinite(value); });
}

}  // namespace

Series series_of(const Metrics& metrics, const std::string& column, const std::string& name) {
  Series series{name, {}, {}};
  const auto values = metrics.columns.find(column);
  if (values == metrics.columns.end()) return series;
  series.y = values->second;
  if (const auto clock = metrics.columns.find(metrics.clock()); clock != metrics.columns.end()) {
    series.x = clock->second;
  } else {
    for (std::size_t row = 0; row < metrics.rows; ++row) series.x.push_back(static_cast<double>(row + 1));
  }
  return series;
}

Chart loss_chart(const Metrics& metrics) {
  Chart chart;
  chart.title = "Loss over " + metrics.clock() + "s";
  chart.x_label = metrics.clock();
  chart.y_label = "loss";
  chart.whole_x = true;
  chart.empty = "no epoch has ended yet";
  for (const char* term : {"loss", "reconstruction", "cross_entropy", "sparsity", "weight_decay"})
    if (metrics.has(term) && !all_zero(metrics.columns.at(term)))
      chart.series.push_back(series_of(metrics, term, title_of(term)));
  chart.logarithmic = metrics.has("loss") && spans_decades(metrics.columns.at("loss"));
  chart.from_zero = !chart.logarithmic;
  chart.legend = true;
  chart.width = 760;
  chart.height = 420;
  return chart;
}

std::string write_loss_svg(const std::string& run_directory) {
  std::vector<std::string> problems;  // a report names them; a curve goes without
  const std::string path = run_directory + "/loss.svg";
  io::write_text_file(path, svg_file(loss_chart(read_metrics(run_directory + "/metrics.jsonl", problems))));
  return path;
}

}  // namespace lacuna::report
