#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "cli/settings.h"

namespace lacuna::cli {

/// The command line, taken apart but not yet judged.
struct Invocation {
  std::string command;                       ///< "train", "data info"
  GivenValues settings;                      ///< rows of all_settings() that were given
  std::map<std::string, std::string> other;  ///< what belongs to one command alone: "model", "config", "png", ...
  std::map<std::string, std::vector<std::string>> lists;  ///< arguments that may be repeated: "run"

  /// Empty if it was not given.
  std::string get(const std::string& name) const;
  bool has(const std::string& name) const { return other.contains(name); }
  /// Throws InputError, showing how the command is used, if it was not given.
  std::string require(const std::string& name, const std::string& usage) const;
  /// A whole number of at least `lowest`, or `otherwise` if it was not given. Throws InputError.
  std::int64_t count(const std::string& name, std::int64_t lowest, std::int64_t otherwise) const;
  std::vector<std::string> require_list(const std::string& name, const std::string& usage) const;
};

/// Nothing is returned where help or version was asked for: it has been printed. Throws InputError for an unknown
/// command or option, with the nearest known one.
std::optional<Invocation> parse_command_line(int argc, const char* const* argv);

}  // namespace lacuna::cli
