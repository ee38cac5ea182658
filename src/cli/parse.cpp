#include "cli/parse.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <system_error>
#include <utility>

#include "io/printable.h"
#include "lacuna/error.h"

namespace lacuna::cli {

namespace {

[[noreturn]] void out_of_range(std::string_view text, std::int64_t lowest, std::int64_t highest) {
  if (highest == INT64_MAX) throw InputError(fmt::format("must be at least {}, not {}", lowest, text));
  throw InputError(fmt::format("must be between {} and {}, not {}", lowest, highest, text));
}

}  // namespace

std::int64_t parse_integer(std::string_view text, std::int64_t lowest, std::int64_t highest) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = end == text.data() + text.size() && !text.empty();
  if (whole && error == std::errc::result_out_of_range) {
    if (text.front() == '-') out_of_range(text, lowest, highest);
    throw InputError(fmt::format("{} is too large", text));
  }
  if (!whole || error != std::errc()) throw InputError(fmt::format("{} is not a whole number", io::printable(text)));
  if (value < lowest || value > highest) out_of_range(text, lowest, highest);
  return value;
}

double parse_number(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = end == text.data() + text.size() && !text.empty();
  if (whole && error == std::errc::result_out_of_range)
    throw InputError(fmt::format("{} is beyond what a number can be", text));
  if (!whole || error != std::errc()) throw InputError(fmt::format("{} is not a number", io::printable(text)));
  if (!std::isfinite(value)) throw InputError(fmt::format("must be a finite number, not {}", text));
  return value;
}

std::vector<std::int64_t> parse_integers(std::string_view text, std::int64_t lowest) {
  std::vector<std::int64_t> values;
  while (true) {
    const std::size_t comma = text.find(',');
    values.push_back(parse_integer(text.substr(0, comma), lowest));
    if (comma == std::string_view::npos) return values;
    text.remove_prefix(comma + 1);
  }
}

ImageSize parse_size(std::string_view text) {
  constexpr std::int64_t kLongestSide = 100'000;
  if (text == "none") return {};
  const std::size_t cross = text.find('x');
  if (cross == std::string_view::npos)
    throw InputError(fmt::format("must be WIDTHxHEIGHT such as 28x28, or none, not {}", io::printable(text)));
  return {parse_integer(text.substr(0, cross), 1, kLongestSide),
          parse_integer(text.substr(cross + 1), 1, kLongestSide)};
}

WindowSize parse_window(std::string_view text) {
  constexpr std::int64_t kMost = std::int64_t{1} << 50;  // samples or bytes
  for (const auto& [unit, bytes] : {std::pair{"MiB", std::int64_t{1} << 20}, {"GiB", std::int64_t{1} << 30}})
    if (text.ends_with(unit)) return {0, bytes * parse_integer(text.substr(0, text.size() - 3), 1, kMost / bytes)};
  return {parse_integer(text, 1, kMost)};
}

std::string to_text(const WindowSize& window) {
  return window.samples > 0 ? std::to_string(window.samples) : fmt::format("{}MiB", window.bytes >> 20);
}

bool parse_switch(std::string_view text) {
  if (text == "on" || text == "true") return true;
  if (text == "off" || text == "false") return false;
  throw InputError(fmt::format("must be on or off, not {}", io::printable(text)));
}

}  // namespace lacuna::cli
