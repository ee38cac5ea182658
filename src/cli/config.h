#pragma once

#include <map>
#include <string>
#include <vector>

#include "cli/settings.h"

namespace lacuna::cli {

/// Values of one setting, as somebody wrote them.
struct GivenList {
  std::string name;
  std::vector<std::string> values;
  std::string where;
};

/// Reads a TOML file of flat keys named as the long options. Throws InputError with file and line for bad TOML,
/// unknown keys (with the nearest known one), tables, and values of the wrong type. With `grid`, a table [grid] may
/// hold a list of values for each of several settings, which go there in the order of the file.
GivenValues read_config(const std::string& path, std::vector<GivenList>* grid = nullptr);

/// What a TOML file says, for people: keys it need not know, values as they would be written on the command line.
/// Throws InputError for bad TOML.
std::map<std::string, std::string> config_values(const std::string& path);

/// Throws InputError naming the first recorded setting that config.toml cannot hold: TOML is UTF-8, paths need not be.
void require_recordable(const Settings& settings);

/// All recorded settings as TOML; read_config() gives them back.
std::string config_text(const Settings& settings);

/// A value as it stands in a TOML file, of the text that the setting shows.
std::string toml_value(const Setting& setting, const std::string& text);

}  // namespace lacuna::cli
