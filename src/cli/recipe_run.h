#pragma once

#include <nlohmann/json.hpp>

#include "cli/options.h"
#include "cli/recipe.h"

namespace lacuna::cli {

struct RecipePlan {
  std::string out;         ///< directory of the whole recipe
  GivenValues overrides;   ///< --data, --device, --threads: for every stage that has them
  std::uint64_t seed = 0;  ///< of the first pass
  std::int64_t seeds = 1;  ///< passes, each with the next seed, each in a directory of its own
  bool force = false, resume = false;
};

/// A stage was stopped by a signal; the status that a shell expects.
struct Interrupted {
  int status = 1;
};

/// Runs every stage in order, as the command behind it would run by hand, and writes recipe.json: stages, tables with
/// mean and spread over the seeds, pictures, and whether each bar was reached. Returns that object. Before the first
/// stage, the settings and data of all are looked at. Throws Interrupted.
nlohmann::ordered_json run_recipe(const Recipe& recipe, const RecipePlan& plan);

/// --seed, --seeds, --force and --resume.
RecipePlan recipe_plan(const Invocation& invocation);

/// Runs a recipe, writes its report and prints what it found. Returns the exit status.
int run_and_report(const Recipe& recipe, const RecipePlan& plan);

}  // namespace lacuna::cli
