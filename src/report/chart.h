#pragma once

#include <string>
#include <vector>

namespace lacuna::report {

/// A curve through the points whose x and y are finite.
struct Series {
  std::string name;
  std::vector<double> x, y;
};

/// A horizontal line that says where something ought to be.
struct Reference {
  double y = 0;
  std::string label;
};

enum class ChartKind {
  lines,
  area,  ///< one series, filled down to the axis
  bars,  ///< one series; x are the edges of the bars, one more than y
};

struct Chart {
  std::string title;  ///< what a screen reader says
  std::string x_label, y_label;
  std::vector<Series> series;
  std::vector<Reference> references;
  ChartKind kind = ChartKind::lines;
  bool logarithmic = false;    ///< y, where there are values above 0
  bool logarithmic_x = false;  ///< where every x is above 0
  bool from_zero = false;      ///< the y axis begins at 0
  bool shares = false;         ///< y are shares, shown as percentages
  bool whole_x = false;        ///< x are counts
  bool legend = false;         ///< series that lie upon each other become one curve in it, with all their names
  bool legend_values = true;   ///< the last value of each series stands in the legend
  double width = 400, height = 240;
  std::string empty = "nothing to draw yet";  ///< said where there is no value
};

/// An <svg> element for a page that contains chart_css().
std::string inline_svg(const Chart& chart);
/// A file of its own, light or dark as the reader's system wishes.
std::string svg_file(const Chart& chart);

/// Colours for light and dark as custom properties of `scope`: --bg --panel --ink --muted --rule --c0 ... --c5.
std::string palette_css(const std::string& scope);
/// Rules for the classes that a chart uses.
std::string chart_css();
/// Class names of the n-th series' line: a colour, and dashes when colours begin again.
std::string series_class(std::size_t n);

}  // namespace lacuna::report
