#pragma once

#include <string>
#include <vector>

#include "report/run_files.h"

namespace lacuna::report {

/// A line of config.toml.
struct SettingLine {
  std::string group, name, value;
  std::string standard;  ///< the default; empty: unknown
  bool changed() const { return !standard.empty() && value != standard; }
};

struct ReportedRun {
  std::string path, name;
  std::vector<SettingLine> settings;
  RunFiles files;
};

struct ReportedRecipe {
  std::string path;
  Recipe recipe;
  std::vector<ReportedRun> runs;  ///< of the stages that have one, each directory once
};

/// Each returns one HTML page that needs nothing else: pictures as data: URIs, no script, no fonts, no network, which
/// its content security policy forbids besides.
std::string run_page(const ReportedRun& run, const std::string& version);
std::string comparison_page(const std::vector<ReportedRun>& runs, const std::string& version);
std::string recipe_page(const ReportedRecipe& recipe, const std::string& version);

}  // namespace lacuna::report
