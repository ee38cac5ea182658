#pragma once

#include <string>

#include "report/chart.h"
#include "report/run_files.h"

namespace lacuna::report {

/// A column of metrics over epochs, or steps; the chart's legend and references are the caller's.
Series series_of(const Metrics& metrics, const std::string& column, const std::string& name);

/// The loss and its terms on one axis.
Chart loss_chart(const Metrics& metrics);

/// Writes loss.svg into a run directory, from its metrics.jsonl. Returns its path.
std::string write_loss_svg(const std::string& run_directory);

}  // namespace lacuna::report
