#include "cli/sweep_grid.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "cli/parse.h"
#include "core/words.h"
#include "io/printable.h"
#include "lacuna/error.h"

namespace lacuna::cli {

namespace {

constexpr std::size_t kMostCells = 10'000;

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  while (true) {
    const std::size_t end = text.find(separator);
    parts.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

/// "0..3": 0, 1, 2, 3. Anything else is one value.
std::vector<std::string> counted(const std::string& text, const std::string& where) {
  const std::size_t dots = text.find("..");
  const bool numbers = dots != std::string::npos && dots > 0 && dots + 2 < text.size() &&
                       text.find_first_not_of("0123456789.") == std::string::npos;
  if (!numbers) return {text};
  try {
    const std::int64_t first = parse_integer(text.substr(0, dots), 0);
    const std::int64_t last =
        parse_integer(text.substr(dots + 2), first, first + static_cast<std::int64_t>(kMostCells));
    std::vector<std::string> values;
    for (std::int64_t value = first; value <= last; ++value) values.push_back(std::to_string(value));
    return values;
  } catch (const InputError& error) {
    throw InputError(fmt::format("{}: {}: {}", where, text, error.what()));
  }
}

/// What is decided once for all models, and not for each.
bool is_of_whole_sweep(const Setting& setting) {
  const std::string_view group = setting.group;
  return group == "Run" || group == "Machine";
}

const Setting& find_axis(const std::string& name, const std::string& where) {
  const Setting* setting = find_setting(name);
  if (setting && (setting->commands & kTrain) != 0) {
    if (is_of_whole_sweep(*setting))
      throw InputError(fmt::format("{}: {} is the same for the whole sweep; give it as --{}", where, name, name));
    return *setting;
  }
  std::vector<std::string_view> known;
  for (const Setting& other : all_settings())
    if ((other.commands & kTrain) != 0 && !is_of_whole_sweep(other)) known.emplace_back(other.name);
  throw InputError(fmt::format("{}: {} is no setting of train{}; lacuna train --help lists them", where,
                               io::printable(name), words::did_you_mean(name, known)));
}

/// What a directory may be named everywhere.
std::string plain(std::string text) {
  for (char& c : text)
    if (!std::isalnum(static_cast<unsigned char>(c)) && std::string_view("._+-:,").find(c) == std::string_view::npos)
      c = '_';
  return text;
}

/// Names that say what the cells are; numbers where those would be too long, or not different.
void name_cells(std::vector<SweepCell>& cells, const std::vector<GridAxis>& axes) {
  constexpr std::size_t kLongest = 200;
  std::set<std::string> names;
  bool usable = true;
  for (SweepCell& cell : cells) {
    for (const GridAxis& axis : axes)
      cell.name += fmt::format("{}{}={}", cell.name.empty() ? "" : ",", axis.setting->name,
                               plain(cell.settings.at(axis.setting->name).text));
    usable = usable && cell.name.size() <= kLongest && names.insert(cell.name).second;
  }
  if (usable) return;
  for (std::size_t i = 0; i < cells.size(); ++i) cells[i].name = fmt::format("cell-{:04}", i + 1);
}

}  // namespace

GivenList parse_grid(const std::string& text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0)
    throw InputError(fmt::format("--grid {}: must be NAME=VALUE,... such as rho=0.05,0.1", io::printable(text)));
  GivenList list{text.substr(0, equals), {}, "--grid " + text.substr(0, equals)};
  const std::string values = text.substr(equals + 1);
  const char separator = values.find(';') != std::string::npos ? ';' : ',';
  for (const std::string& value : split(values, separator))
    for (const std::string& one : counted(value, list.where)) list.values.push_back(one);
  return list;
}

GridAxis make_axis(const GivenList& list) {
  GridAxis axis{&find_axis(list.name, list.where), {}};
  for (const std::string& text : list.values) {
    Settings settings;
    try {
      if (text.empty()) throw InputError("a value is missing");
      axis.setting->assign(settings, text);
    } catch (const InputError& error) {
      throw InputError(fmt::format("{}: {}", list.where, error.what()));
    }
    const std::string value = axis.setting->show(settings);
    if (std::ranges::find(axis.values, value) != axis.values.end())
      throw InputError(fmt::format("{}: {} is there twice", list.where, value));
    axis.values.push_back(value);
  }
  if (axis.values.empty()) throw InputError(fmt::format("{}: needs at least one value", list.where));
  return axis;
}

std::vector<SweepCell> make_cells(const std::vector<GridAxis>& axes) {
  std::vector<SweepCell> cells(1);
  for (const GridAxis& axis : axes) {
    if (cells.size() * axis.values.size() > kMostCells)
      throw InputError(fmt::format("the grid has more than {} cells; make it smaller", kMostCells));
    std::vector<SweepCell> more;
    for (const SweepCell& before : cells)
      for (const std::string& value : axis.values) {
        more.push_back(before);
        more.back().settings[axis.setting->name] = {value, fmt::format("--{}", axis.setting->name)};
      }
    cells = std::move(more);
  }
  name_cells(cells, axes);
  return cells;
}

}  // namespace lacuna::cli
