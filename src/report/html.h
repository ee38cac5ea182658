#pragma once

#include <string>
#include <vector>

#include "report/chart.h"
#include "report/page.h"

namespace lacuna::report {

/// A number that one looks for first.
struct Headline {
  std::string label, value, note;
};

/// The whole document around what stands in it; title and kicker are escaped here, header and body are HTML.
std::string document(const std::string& title, const std::string& kicker, const std::string& header,
                     const std::string& body, const std::string& version);
std::string style_sheet();

std::string headlines(const std::vector<Headline>& list);
/// A heading of this level and what belongs under it; nothing if there is nothing.
std::string section(int level, const std::string& title, const std::string& body);
/// A curve with its name, and its last value beside it.
std::string chart_figure(const Chart& chart, const std::string& caption, const std::string& value);
/// Names for the colours of charts that share them.
std::string legend(const std::vector<std::string>& names);
std::string picture_figure(const Picture& picture, const std::string& alternative, const std::string& caption);
/// What may be wider than a telephone scrolls within itself.
std::string scrolling(const std::string& label, const std::string& html);
std::string list_of_problems(const std::vector<std::string>& problems);

/// A table of texts: the first column names the rows. Cells that look like numbers are set to the right.
std::string text_table(const std::string& caption, const std::vector<std::string>& columns,
                       const std::vector<std::vector<std::string>>& rows);

/// The parts of a page that tell of one run.
std::vector<Headline> run_headlines(const ReportedRun& run);
std::string run_summary(const ReportedRun& run);
std::string run_sections(const ReportedRun& run, int level);
std::string classifier_sections(const Evaluation& evaluation, int level);

/// Each number that metrics may hold, as a chart over several runs: its title, and how its values are shown.
Chart metric_chart(const std::vector<const ReportedRun*>& runs, const std::string& key);
/// What metrics are worth a curve, in the order of the files.
std::vector<std::string> drawn_metrics(const std::vector<const ReportedRun*>& runs);
std::string metric_value(const std::string& key, double value);

/// The value of a setting; empty if config.toml does not have it.
std::string setting_value(const ReportedRun& run, const std::string& name);

}  // namespace lacuna::report
