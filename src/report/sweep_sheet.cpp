#include "report/sweep_sheet.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <iterator>

#include "report/chart.h"
#include "report/png.h"
#include "report/text.h"

namespace lacuna::report {

namespace {

constexpr std::size_t kMostPictures = 64;
constexpr double kTile = 150, kGap = 12, kCaption = 26, kMargin = 20, kHeading = 30;
constexpr double kLetter = 7;  // about the width of one

std::string read_bytes(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

/// Strength of the ground: 1 for the best, 0 for the worst.
class Shade {
 public:
  explicit Shade(const std::vector<SweepTile>& tiles) {
    for (const SweepTile& tile : tiles) {
      if (!std::isfinite(tile.value)) continue;
      least_ = std::min(least_, tile.value);
      most_ = std::max(most_, tile.value);
    }
  }
  double operator()(double value) const { return most_ > least_ ? (most_ - value) / (most_ - least_) : 1.0; }

 private:
  double least_ = INFINITY, most_ = -INFINITY;
};

std::string text_at(double x, double y, const char* style, const std::string& text) {
  return fmt::format("<text class=\"{}\" x=\"{:.0f}\" y=\"{:.0f}\">{}</text>\n", style, x, y, escaped(text));
}

}  // namespace

std::string sweep_sheet(const SweepSheet& sheet) {
  const bool with_pictures = sheet.tiles.size() <= kMostPictures;
  std::vector<std::string> pictures;
  bool any = false;
  for (const SweepTile& tile : sheet.tiles) {
    pictures.push_back(with_pictures && !tile.picture.empty() ? read_bytes(tile.picture) : std::string());
    if (!png_size(pictures.back())) pictures.back().clear();
    any = any || !pictures.back().empty();
  }
  const double image = any ? kTile : 0, height = image + kCaption;
  std::size_t letters = 0;
  for (const std::string& row : sheet.rows) letters = std::max(letters, row.size());
  const double left = kMargin + kLetter * static_cast<double>(letters) + (letters > 0 ? kGap : 0);
  const double top = kMargin + 2 * kHeading;
  const double width = left + static_cast<double>(sheet.columns.size()) * (kTile + kGap) + kMargin;
  const double total = top + static_cast<double>(sheet.rows.size()) * (height + kGap) + kMargin;

  std::string body = text_at(kMargin, kMargin + 12, "ink", title_of(sheet.metric) + ": the stronger, the smaller");
  for (std::size_t i = 0; i < sheet.columns.size(); ++i)
    body += text_at(left + static_cast<double>(i) * (kTile + kGap) + kTile / 2, top - 10, "mid", sheet.columns[i]);
  for (std::size_t i = 0; i < sheet.rows.size(); ++i)
    body += text_at(kMargin, top + static_cast<double>(i) * (height + kGap) + height / 2, "side", sheet.rows[i]);
  const Shade shade(sheet.tiles);
  for (std::size_t i = 0; i < sheet.tiles.size(); ++i) {
    const SweepTile& tile = sheet.tiles[i];
    const double x = left + static_cast<double>(tile.column) * (kTile + kGap);
    const double y = top + static_cast<double>(tile.row) * (height + kGap);
    const bool known = std::isfinite(tile.value);
    body += fmt::format(
        "<rect class=\"ground\" x=\"{:.0f}\" y=\"{:.0f}\" width=\"{:.0f}\" height=\"{:.0f}\" "
        "fill-opacity=\"{:.2f}\"/>\n",
        x, y, kTile, height, known ? 0.08 + 0.6 * shade(tile.value) : 0.0);
    if (!pictures[i].empty())
      body += fmt::format(
          "<image x=\"{:.0f}\" y=\"{:.0f}\" width=\"{:.0f}\" height=\"{:.0f}\" href=\"data:image/png;base64,{}\"/>\n",
          x + 4, y + 4, kTile - 8, image - 8, base64(pictures[i]));
    body += text_at(x + kTile / 2, y + image + kCaption / 2 + 4, "ink mid", known ? figure(tile.value) : tile.status);
  }
  return fmt::format(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<svg class=\"ch\" xmlns=\"http://www.w3.org/2000/svg\" "
      "width=\"{0:.0f}\" "
      "height=\"{1:.0f}\" viewBox=\"0 0 {0:.0f} {1:.0f}\">\n<title>{2} of {3} models</title>\n<style>\n{4}{5}"
      ".back{{fill:var(--bg)}}.ground{{fill:var(--c0);stroke:var(--rule)}}\n</style>\n"
      "<rect class=\"back\" width=\"100%\" height=\"100%\"/>\n{6}</svg>\n",
      width, total, escaped(title_of(sheet.metric)), sheet.tiles.size(), palette_css("svg"), chart_css(), body);
}

}  // namespace lacuna::report
