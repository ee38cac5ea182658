#include "report/chart.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <regex>

namespace lacuna::report {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t found = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

Chart line(std::vector<double> y) {
  Chart chart;
  chart.title = "Loss <of> a \"run\"";
  Series series{"loss", {}, std::move(y)};
  for (std::size_t i = 0; i < series.y.size(); ++i) series.x.push_back(static_cast<double>(i + 1));
  chart.series.push_back(series);
  return chart;
}

TEST(Chart, APointLiesWhereItsValueIs) {
  Chart chart = line({0, 10});
  chart.whole_x = true;
  const std::string svg = inline_svg(chart);
  std::smatch points;
  ASSERT_TRUE(
      std::regex_search(svg, points, std::regex("class=\"line c0\" d=\"M([0-9.]+) ([0-9.]+)L([0-9.]+) ([0-9.]+)\"")));
  std::smatch axis;
  ASSERT_TRUE(std::regex_search(svg, axis, std::regex("class=\"axis\" d=\"M([0-9.]+) ([0-9.]+)H([0-9.]+)")));
  EXPECT_EQ(points[1], axis[1]) << "the first x lies at the axis' left end";
  EXPECT_EQ(points[2], axis[2]) << "zero lies on the axis";
  EXPECT_EQ(points[3], axis[3]) << "the last x lies at its right end";
  EXPECT_EQ(points[4], "10.0") << "the largest value lies at the top";
  EXPECT_THAT(svg, HasSubstr("aria-label=\"Loss &lt;of&gt; a &quot;run&quot;\""));
}

TEST(Chart, MissingValuesAreSteppedOver) {
  const std::string svg = inline_svg(line({1, NAN, 3, INFINITY, 2}));
  EXPECT_EQ(count(svg, "<circle"), 3u);
  EXPECT_THAT(svg, Not(HasSubstr("nan")));
  EXPECT_THAT(svg, Not(HasSubstr("inf")));
}

TEST(Chart, NothingToDrawIsSaid) {
  EXPECT_THAT(inline_svg(line({NAN})), HasSubstr("nothing to draw yet"));
  EXPECT_THAT(inline_svg(line({})), HasSubstr("nothing to draw yet"));
}

TEST(Chart, SeriesThatLieUponEachOtherAreOneCurveInTheLegend) {
  Chart chart = line({400, 200, 100});
  chart.legend = true;
  chart.from_zero = true;
  chart.series.push_back(chart.series[0]);
  chart.series[1].name = "reconstruction";
  chart.series.push_back(chart.series[0]);
  chart.series[2].name = "decay";
  const auto with = [&](double sum, double decay) {
    for (std::size_t i = 0; i < 3; ++i) chart.series[0].y[i] = chart.series[1].y[i] + sum;
    chart.series[2].y = {decay, decay, decay};
    return inline_svg(chart);
  };
  const auto curves = [](const std::string& svg) { return count(svg, "<circle") / 3; };
  EXPECT_EQ(curves(with(0, 1)), 2u);
  EXPECT_THAT(with(0, 1), HasSubstr(">loss 100 and reconstruction 100</text>"));
  EXPECT_THAT(with(0.125, 1), HasSubstr(">loss 100.1 and reconstruction 100</text>")) << "less than a pixel apart";
  EXPECT_THAT(with(0.125, 1), AllOf(HasSubstr("class=\"line c2\""), HasSubstr(">decay 1</text>"))) << "in its colour";
  EXPECT_EQ(curves(with(20, 1)), 3u);
  EXPECT_THAT(with(20, 1), AllOf(HasSubstr(">loss 120</text>"), HasSubstr(">reconstruction 100</text>")));
  chart.legend = false;
  EXPECT_EQ(curves(with(0, 1)), 3u) << "the page around it names each by its colour";
  chart.legend = true;
  chart.series[0].y[1] = NAN;
  EXPECT_THAT(inline_svg(chart), Not(HasSubstr(" and "))) << "one of them has a value more";
}

TEST(Chart, LongSeriesKeepTheirPeaks) {
  std::vector<double> y(100'000, 1.0);
  y[54'321] = 1000;
  const std::string svg = inline_svg(line(y));
  EXPECT_LT(svg.size(), 20'000u);
  EXPECT_THAT(svg, HasSubstr(" 10.0L")) << "the peak at the top";
}

TEST(Chart, LogarithmsOfNothingAreLeftOut) {
  Chart chart;
  chart.kind = ChartKind::bars;
  chart.logarithmic = true;
  chart.series.push_back({"n", {0, 1, 2, 3}, {100, 0, 1}});
  EXPECT_EQ(count(inline_svg(chart), "<rect"), 2u);
}

TEST(Chart, AFileOfItsOwnHasBothPalettes) {
  const std::string svg = svg_file(line({1, 2}));
  EXPECT_THAT(svg, ::testing::StartsWith("<?xml"));
  EXPECT_THAT(svg, HasSubstr("prefers-color-scheme:dark"));
  EXPECT_EQ(count(svg, "http"), 1u) << "nothing but the namespace";
}

}  // namespace
}  // namespace lacuna::report
