#include "cli/config.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>

#include "cli/toml_value.h"
#include "core/words.h"
#include "io/file.h"
#include "io/printable.h"
#include "lacuna/error.h"

namespace lacuna::cli {

namespace {

constexpr std::size_t kLargestConfig = 1 << 20;

std::string type_name(const toml::node& node) {
  switch (node.type()) {
    case toml::node_type::string:
      return "a string";
    case toml::node_type::integer:
      return "an integer";
    case toml::node_type::floating_point:
      return "a number";
    case toml::node_type::boolean:
      return "true or false";
    case toml::node_type::array:
      return "an array";
    case toml::node_type::table:
      return "a table";
    default:
      return "a date or time";
  }
}

[[noreturn]] void wrong_type(const std::string& where, const char* wanted, const toml::node& node) {
  throw InputError(fmt::format("{}: must be {}, not {}", where, wanted, type_name(node)));
}

std::string integers_text(const toml::array& array, const std::string& where) {
  std::string text;
  for (const toml::node& item : array) {
    if (!item.is_integer()) wrong_type(where, "a list of integers", item);
    text += fmt::format("{}{}", text.empty() ? "" : ",", item.as_integer()->get());
  }
  if (text.empty()) throw InputError(fmt::format("{}: must not be an empty list", where));
  return text;
}

/// The value as it would be written on the command line.
std::string value_text(const Setting& setting, const toml::node& node, const std::string& where) {
  switch (setting.type) {
    case ValueType::integer:
      if (!node.is_integer()) wrong_type(where, "an integer", node);
      return std::to_string(node.as_integer()->get());
    case ValueType::number:
      if (node.is_integer()) return std::to_string(node.as_integer()->get());
      if (!node.is_floating_point()) wrong_type(where, "a number", node);
      return fmt::format("{}", node.as_floating_point()->get());
    case ValueType::integers:
      if (node.is_integer()) return std::to_string(node.as_integer()->get());
      if (!node.is_array()) wrong_type(where, "a list of integers", node);
      return integers_text(*node.as_array(), where);
    case ValueType::flag:
      if (!node.is_boolean()) wrong_type(where, "true or false", node);
      return node.as_boolean()->get() ? "on" : "off";
    case ValueType::text:
      // "shuffle = true" is what one would expect to be able to write.
      if (node.is_boolean() && std::string_view(setting.metavar) == "on|off")
        return node.as_boolean()->get() ? "on" : "off";
      if (!node.is_string()) wrong_type(where, "a string", node);
      return node.as_string()->get();
  }
  return {};
}

[[noreturn]] void unknown_key(const std::string& path, std::uint32_t line, std::string_view key) {
  std::vector<std::string_view> known;
  for (const Setting& setting : all_settings()) known.emplace_back(setting.name);
  throw InputError(
      fmt::format("{}:{}: unknown key {}{}", path, line, io::printable(key), words::did_you_mean(key, known)));
}

toml::table parse(const std::string& path) {
  const io::FileBytes file = io::read_file(path);
  if (file.size > kLargestConfig) throw InputError(fmt::format("{}: too large for a configuration file", path));
  try {
    return toml::parse(std::string_view(reinterpret_cast<const char*>(file.data), file.size), path);
  } catch (const toml::parse_error& error) {
    throw InputError(fmt::format("{}:{}: {}", path, error.source().begin.line, error.description()));
  }
}

/// The lists of the table [grid], in the order of the file; toml++ sorts by name.
std::vector<GivenList> read_grid(const std::string& path, const toml::node& grid) {
  const auto line_of = [](const toml::node& node) { return node.source().begin.line; };
  if (!grid.is_table()) wrong_type(fmt::format("{}:{}: grid", path, line_of(grid)), "a table of lists", grid);
  std::vector<std::pair<toml::source_position, GivenList>> lists;
  for (const auto& [key, node] : *grid.as_table()) {
    const std::string name(key.str());
    GivenList list{name, {}, fmt::format("{}:{}: {}", path, line_of(node), name)};
    const Setting* setting = find_setting(name);
    if (setting == nullptr) unknown_key(path, line_of(node), name);
    if (!node.is_array()) wrong_type(list.where, "a list of values", node);
    for (const toml::node& item : *node.as_array()) list.values.push_back(value_text(*setting, item, list.where));
    lists.emplace_back(node.source().begin, std::move(list));
  }
  std::ranges::sort(lists, [](const auto& a, const auto& b) {
    return std::pair(a.first.line, a.first.column) < std::pair(b.first.line, b.first.column);
  });
  std::vector<GivenList> in_order;
  for (auto& [position, list] : lists) in_order.push_back(std::move(list));
  return in_order;
}

/// TOML holds UTF-8 only; a path may hold anything.
bool is_utf8(const std::string& text) {
  try {
    return !nlohmann::json(text).dump().empty();
  } catch (const nlohmann::json::type_error&) {
    return false;
  }
}

std::string quoted_toml(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20 || byte == 0x7f) {
      out += fmt::format("\\u{:04x}", byte);
    } else {
      out += c;
    }
  }
  return out + '"';
}

}  // namespace

std::string config_value(const Setting& setting, const toml::node& node, const std::string& where) {
  // In a recipe any setting may be a placeholder, "{rho}".
  if (node.is_string() && node.as_string()->get().starts_with("{")) return node.as_string()->get();
  return value_text(setting, node, where);
}

GivenValues read_config(const std::string& path, std::vector<GivenList>* grid) {
  const toml::table table = parse(path);
  GivenValues values;
  for (const auto& [key, node] : table) {
    const std::string_view name = key;
    const std::uint32_t line = node.source().begin.line;
    if (name == "grid") {
      if (!grid) throw InputError(fmt::format("{}:{}: grid is for lacuna sweep", path, line));
      *grid = read_grid(path, node);
      continue;
    }
    const Setting* setting = find_setting(name);
    if (setting == nullptr) unknown_key(path, line, name);
    const std::string where = fmt::format("{}:{}: {}", path, line, name);
    values[std::string(name)] = {value_text(*setting, node, where), where};
  }
  return values;
}

std::map<std::string, std::string> config_values(const std::string& path) {
  std::map<std::string, std::string> values;
  for (const auto& [key, node] : parse(path)) {
    const std::string name(key.str());
    try {
      const Setting* setting = find_setting(name);
      if (setting != nullptr) {
        values[name] = value_text(*setting, node, name);
        continue;
      }
    } catch (const InputError&) {  // another type than the setting's: shown as it stands
    }
    std::ostringstream text;
    if (const auto plain = node.value<std::string>()) {
      values[name] = *plain;
      continue;
    }
    node.visit([&text](const auto& value) { text << value; });
    values[name] = text.str();
  }
  return values;
}

void require_recordable(const Settings& settings) {
  for (const Setting& setting : all_settings())
    if (is_recorded(setting, settings) && !is_utf8(setting.show(settings)))
      throw InputError(
          fmt::format("--{} {} is not UTF-8, and config.toml can hold nothing else; rename it or make a link",
                      setting.name, io::printable(setting.show(settings))));
}

std::string toml_value(const Setting& setting, const std::string& text) {
  switch (setting.type) {
    case ValueType::integers:
      return "[" + text + "]";
    case ValueType::flag:
      return text == "on" ? "true" : "false";
    case ValueType::text:
      return quoted_toml(text);
    case ValueType::integer:
    case ValueType::number:
      break;
  }
  return text;
}

std::string config_text(const Settings& settings) {
  const char* command = settings.command == kClassify   ? "classify"
                        : settings.command == kFinetune ? "finetune"
                                                        : "train";
  std::string text = fmt::format("# Settings of this run; lacuna {} --config reads them.\n", command);
  const char* group = "";
  for (const Setting& setting : all_settings()) {
    if (!is_recorded(setting, settings)) continue;
    if (std::string_view(group) != setting.group) text += fmt::format("\n# {}\n", group = setting.group);
    text += fmt::format("{} = {}\n", setting.name, toml_value(setting, setting.show(settings)));
  }
  return text;
}

}  // namespace lacuna::cli
