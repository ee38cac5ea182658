#include "report/chart.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <optional>

#include "report/axis.h"
#include "report/text.h"

namespace lacuna::report {

namespace {

constexpr double kLetter = 7.5;  // width of a 12 px digit in the widest of the fonts
constexpr std::size_t kMostPoints = 600, kMostDots = 30;

struct Range {
  double low = std::numeric_limits<double>::infinity(), high = -std::numeric_limits<double>::infinity();
  void include(double value) {
    if (!std::isfinite(value)) return;
    low = std::min(low, value);
    high = std::max(high, value);
  }
  bool empty() const { return low > high; }
};

double width_of(const std::string& text) {
  const auto letters =
      std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xc0U) != 0x80U; });
  const auto wide = std::ranges::count(text, '%');
  return kLetter * (static_cast<double>(letters) + 0.5 * static_cast<double>(wide));
}

/// What is measured in some rows only is drawn from one of them to the next.
Series without_gaps(const Series& series) {
  Series out{series.name, {}, {}};
  for (std::size_t i = 0; i < series.y.size(); ++i) {
    if (!std::isfinite(series.y[i]) || !std::isfinite(series.x[i])) continue;
    out.x.push_back(series.x[i]);
    out.y.push_back(series.y[i]);
  }
  return out;
}

/// The smallest and the largest of each stretch, so that no peak is lost.
Series thinned(const Series& series) {
  const std::size_t count = series.y.size(), stretches = kMostPoints / 2;
  if (count <= kMostPoints) return series;
  Series out{series.name, {}, {}};
  for (std::size_t s = 0; s < stretches; ++s) {
    const auto begin = series.y.begin() + static_cast<std::ptrdiff_t>(s * count / stretches);
    const auto end = series.y.begin() + static_cast<std::ptrdiff_t>((s + 1) * count / stretches);
    auto [least, most] = std::minmax_element(begin, end);
    if (most < least) std::swap(least, most);
    for (const auto at : {least, most}) {
      out.x.push_back(series.x[static_cast<std::size_t>(at - series.y.begin())]);
      out.y.push_back(*at);
    }
  }
  return out;
}

class Drawing {
 public:
  explicit Drawing(const Chart& chart) : chart_(chart) { lay_out(); }

  std::string content() {
    if (!drawable_)
      return fmt::format("<text class=\"mid\" x=\"{:.0f}\" y=\"{:.0f}\">{}</text>\n", chart_.width / 2,
                         chart_.height / 2, escaped(chart_.empty));
    draw_axes();
    find_curves();
    for (const Curve& curve : curves_) draw_series(curve.front());
    draw_references();
    if (chart_.legend) draw_legend();
    return fmt::to_string(out_);
  }

 private:
  using Curve = std::vector<std::size_t>;  // the series that it stands for

  template <class... T>
  void put(fmt::format_string<T...> format, T&&... values) {
    fmt::format_to(std::back_inserter(out_), format, std::forward<T>(values)...);
  }

  void lay_out() {
    Range xs, ys, positive;
    for (const Series& series : chart_.series) {
      for (const double x : series.x) xs.include(x);
      for (const double y : series.y) {
        ys.include(y);
        if (y > 0) positive.include(y);
      }
    }
    drawable_ = !xs.empty() && !ys.empty();
    if (!drawable_) return;
    for (const Reference& reference : chart_.references) ys.include(reference.y);
    if (chart_.from_zero) ys.include(0);
    if (chart_.logarithmic && !positive.empty()) {
      // Counts begin at 1, and a bar of 1 shall be seen.
      y_ = logarithmic_axis(chart_.kind == ChartKind::bars ? 0.5 * positive.low : positive.low, positive.high);
    } else {
      y_ = linear_axis(ys.low, ys.high, {.ticks = 5, .whole = false, .widen = true});
    }
    if (chart_.shares) as_percentages();
    double labels = 0;
    for (const Tick& tick : y_.ticks) labels = std::max(labels, width_of(tick.label));
    left_ = labels + 10 + (chart_.y_label.empty() ? 0 : 20);
    const bool logarithmic_x = chart_.logarithmic_x && xs.low > 0;
    if (logarithmic_x) x_ = logarithmic_axis(xs.low, xs.high);  // it ends at a tick
    right_ = chart_.width - std::max(12.0, 0.5 * width_of(figure(logarithmic_x ? x_.high : xs.high)));
    top_ = chart_.legend ? 34 : 10;
    bottom_ = chart_.height - (chart_.x_label.empty() ? 24 : 42);
    if (!logarithmic_x)
      x_ = linear_axis(xs.low, xs.high, {.ticks = static_cast<int>((right_ - left_) / 60), .whole = chart_.whole_x});
  }

  void as_percentages() {
    const Axis in_percent = linear_axis(100 * y_.low, 100 * y_.high, {.ticks = 5, .whole = false, .widen = true});
    y_ = {in_percent.low / 100, in_percent.high / 100, false, {}};
    for (const Tick& tick : in_percent.ticks) y_.ticks.push_back({tick.value / 100, tick.label + "%"});
  }

  double across(double x) const { return left_ + (right_ - left_) * x_.place(x); }
  double down(double y) const { return bottom_ - (bottom_ - top_) * y_.place(y); }
  bool shown(double y) const { return !y_.logarithmic || y > 0; }
  std::string value_text(double y) const { return chart_.shares ? percent(y) : figure(y); }

  /// Whether no eye can tell the two apart: nowhere are they a pixel from each other.
  bool alike(const Series& a, const Series& b) const {
    if (a.x != b.x || a.y.size() != b.y.size()) return false;
    const auto drawn = [this](double y) { return std::isfinite(y) && shown(y); };
    for (std::size_t i = 0; i < a.y.size(); ++i) {
      if (drawn(a.y[i]) != drawn(b.y[i])) return false;
      if (drawn(a.y[i]) && std::abs(down(a.y[i]) - down(b.y[i])) >= 1) return false;
    }
    return true;
  }

  /// Of series that lie upon each other one curve is drawn, and the legend names them all beside it.
  void find_curves() {
    for (std::size_t i = 0; i < chart_.series.size(); ++i) {
      const auto same = std::ranges::find_if(curves_, [&](const Curve& curve) {
        return chart_.legend && alike(chart_.series[curve.front()], chart_.series[i]);
      });
      if (same == curves_.end())
        curves_.push_back({i});
      else
        same->push_back(i);
    }
  }

  void draw_axes() {
    std::string grid;
    for (const Tick& tick : y_.ticks) {
      grid += fmt::format("M{:.1f} {:.1f}H{:.1f}", left_, down(tick.value), right_);
      put("<text class=\"end\" x=\"{:.1f}\" y=\"{:.1f}\">{}</text>\n", left_ - 7, down(tick.value) + 4, tick.label);
    }
    put("<path class=\"grid\" d=\"{}\"/>\n", grid);
    std::string axis = fmt::format("M{:.1f} {:.1f}H{:.1f}", left_, bottom_, right_);
    for (const Tick& tick : x_.ticks) {
      axis += fmt::format("M{:.1f} {:.1f}v5", across(tick.value), bottom_);
      put("<text class=\"mid\" x=\"{:.1f}\" y=\"{:.1f}\">{}</text>\n", across(tick.value), bottom_ + 18, tick.label);
    }
    put("<path class=\"axis\" d=\"{}\"/>\n", axis);
    if (!chart_.x_label.empty())
      put("<text class=\"mid\" x=\"{:.1f}\" y=\"{:.1f}\">{}</text>\n", (left_ + right_) / 2, chart_.height - 6,
          escaped(chart_.x_label));
    if (!chart_.y_label.empty())
      put("<text class=\"mid\" transform=\"translate(12 {:.1f}) rotate(-90)\">{}</text>\n", (top_ + bottom_) / 2,
          escaped(chart_.y_label));
  }

  void draw_series(std::size_t index) {
    if (chart_.kind == ChartKind::bars) return draw_bars(chart_.series[index]);
    const Series series = thinned(without_gaps(chart_.series[index]));
    const std::string colour = series_class(index);
    std::string path;
    for (std::size_t i = 0; i < series.y.size(); ++i)
      if (shown(series.y[i]))
        path += fmt::format("{}{:.1f} {:.1f}", path.empty() ? "M" : "L", across(series.x[i]), down(series.y[i]));
    if (path.empty()) return;
    if (chart_.kind == ChartKind::area)
      put("<path class=\"fill\" d=\"{}V{:.1f}H{:.1f}Z\"/>\n", path, bottom_, across(series.x.front()));
    put("<path class=\"line {}\" d=\"{}\"/>\n", colour, path);
    if (series.y.size() > kMostDots || chart_.kind == ChartKind::area) return;
    for (std::size_t i = 0; i < series.y.size(); ++i)
      if (shown(series.y[i]))
        put("<circle class=\"dot {}\" cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"3\"><title>{} {}: {}</title></circle>\n", colour,
            across(series.x[i]), down(series.y[i]), escaped(chart_.x_label), figure(series.x[i]),
            escaped(value_text(series.y[i])));
  }

  void draw_bars(const Series& series) {
    for (std::size_t i = 0; i < series.y.size() && i + 1 < series.x.size(); ++i) {
      if (!shown(series.y[i]) || series.y[i] <= 0) continue;
      const double from = across(series.x[i]), to = across(series.x[i + 1]), top = down(series.y[i]);
      put("<rect class=\"bar\" x=\"{:.2f}\" y=\"{:.1f}\" width=\"{:.2f}\" height=\"{:.1f}\">"
          "<title>{} to {}: {}</title></rect>\n",
          from, top, std::max(0.5, to - from - 1), std::max(0.0, bottom_ - top), figure(series.x[i]),
          figure(series.x[i + 1]), value_text(series.y[i]));
    }
  }

  void draw_references() {
    for (const Reference& reference : chart_.references) {
      if (!shown(reference.y)) continue;
      const double y = down(reference.y);
      put("<path class=\"reference\" d=\"M{:.1f} {:.1f}H{:.1f}\"/>\n", left_, y, right_);
      put("<text class=\"named end\" x=\"{:.1f}\" y=\"{:.1f}\">{}</text>\n", right_, y < top_ + 18 ? y + 15 : y - 6,
          escaped(reference.label));
    }
  }

  /// "Loss 14.12"
  std::string named(const Series& series) const {
    const auto last = std::find_if(series.y.rbegin(), series.y.rend(), [](double y) { return std::isfinite(y); });
    return last == series.y.rend() || !chart_.legend_values ? series.name : series.name + " " + value_text(*last);
  }

  void draw_legend() {
    double x = left_;
    for (const Curve& curve : curves_) {
      std::string text;
      for (const std::size_t series : curve) text += (text.empty() ? "" : " and ") + named(chart_.series[series]);
      put("<path class=\"line {}\" d=\"M{:.1f} 14h18\"/>\n", series_class(curve.front()), x);
      put("<text class=\"ink\" x=\"{:.1f}\" y=\"18\">{}</text>\n", x + 24, escaped(text));
      x += 24 + width_of(text) + 22;
    }
  }

  const Chart& chart_;
  fmt::memory_buffer out_;
  bool drawable_ = false;
  std::vector<Curve> curves_;
  Axis x_, y_;
  double left_ = 0, right_ = 0, top_ = 0, bottom_ = 0;
};

std::string svg(const Chart& chart, const std::string& attributes, const std::string& before) {
  return fmt::format(
      "<svg class=\"ch\" viewBox=\"0 0 {0:.0f} {1:.0f}\" role=\"img\" aria-label=\"{2}\"{3}>\n{4}{5}</svg>\n",
      chart.width, chart.height, escaped(chart.title), attributes, before, Drawing(chart).content());
}

}  // namespace

std::string inline_svg(const Chart& chart) {
  return svg(chart, "", "");
}

std::string svg_file(const Chart& chart) {
  const std::string size = fmt::format(" xmlns=\"http://www.w3.org/2000/svg\" width=\"{:.0f}\" height=\"{:.0f}\"",
                                       chart.width, chart.height);
  const std::string before = fmt::format(
      "<title>{}</title>\n<style>\n{}{}.back{{fill:var(--bg)}}\n</style>\n<rect class=\"back\" width=\"100%\" "
      "height=\"100%\"/>\n",
      escaped(chart.title), palette_css("svg"), chart_css());
  return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n" + svg(chart, size, before);
}

}  // namespace lacuna::report
