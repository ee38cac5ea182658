#pragma once

#include <string>
#include <vector>

#include "cli/config.h"
#include "cli/settings.h"

namespace lacuna::cli {

/// A setting that a sweep varies.
struct GridAxis {
  const Setting* setting = nullptr;
  std::vector<std::string> values;  ///< as config.toml shows them, each once
};

/// One model of a sweep.
struct SweepCell {
  std::string name;      ///< of its run directory: "rho=0.1,beta=3"
  GivenValues settings;  ///< of the axes alone
};

/// What stands after --grid: NAME=VALUE,... Semicolons part values that hold commas ("hidden=200,100;64"); A..B counts
/// whole numbers. Throws InputError.
GivenList parse_grid(const std::string& text);

/// Throws InputError for a name that is no setting of a single model, with the nearest one, and for values that cannot
/// be or are there twice.
GridAxis make_axis(const GivenList& list);

/// Every combination, the last axis varying fastest. Throws InputError if there are too many.
std::vector<SweepCell> make_cells(const std::vector<GridAxis>& axes);

}  // namespace lacuna::cli
