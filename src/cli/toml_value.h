#pragma once

#include <toml++/toml.h>

#include <string>

#include "cli/settings.h"

namespace lacuna::cli {

/// A TOML value as it would be written on the command line; a string that begins with "{" as it is, for it is the
/// placeholder of a recipe. Throws InputError with `where` in front if it is of the wrong type.
std::string config_value(const Setting& setting, const toml::node& node, const std::string& where);

}  // namespace lacuna::cli
