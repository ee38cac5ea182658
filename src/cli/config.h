#pragma once

#include <string>

#include "cli/settings.h"

namespace lacuna::cli {

/// Reads a TOML file of flat keys named as the long options. Throws InputError with file and line for bad TOML,
/// unknown keys (with the nearest known one), tables, and values of the wrong type.
GivenValues read_config(const std::string& path);

/// Throws InputError naming the first recorded setting that config.toml cannot hold: TOML is UTF-8, paths need not be.
void require_recordable(const Settings& settings);

/// All recorded settings as TOML; read_config() gives them back.
std::string config_text(const Settings& settings);

}  // namespace lacuna::cli
