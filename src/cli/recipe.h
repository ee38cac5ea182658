#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/settings.h"

namespace lacuna::cli {

/// Values for the placeholders of a stage: "rho" for "{rho}".
using Variables = std::map<std::string, std::string>;

/// A column of a comparison: text, or a number that a stage found.
struct RecipeColumn {
  std::string title;
  std::string value;  ///< text with placeholders; or:
  std::string stage;  ///< the stage's name, with placeholders
  std::string key;    ///< of its result
  std::string show;   ///< "number", "percent", "count", "seconds"
  std::string where;  ///< for messages: "my.toml:12"
};

/// A figure that a recipe should reach.
struct RecipeBar {
  std::string title, stage, key, show;
  std::string minus_stage;  ///< the bar holds for the difference to this stage's figure
  std::optional<double> at_least, at_most;
  std::string where;
};

/// One step, its placeholders filled in.
struct RecipeStage {
  std::string name;
  std::string kind;             ///< pretrain, classify, finetune, evaluate, encode, draw, compare
  GivenValues settings;         ///< of the command behind it
  std::string model;            ///< "@STAGE", or empty; with placeholders filled in
  std::string title;            ///< draw, compare
  std::string what;             ///< draw: weights, reconstruction
  std::string note;             ///< compare
  std::int64_t units = 100;     ///< draw weights: of the first so many
  std::int64_t samples = 100;   ///< draw reconstruction: of the first so many
  bool bias_row = false;        ///< export: the bias as row 0 of the weights
  bool round = false;           ///< draw reconstruction: every pixel black or white
  std::vector<Variables> rows;  ///< compare
  std::vector<RecipeColumn> columns;
  std::string where;  ///< for messages: "my.toml:12"

  /// pretrain, classify and finetune leave a run directory with a model.
  bool trains() const;
};

struct Recipe {
  std::string name, title, description;
  bool quick = false;  ///< read with its smaller settings
  std::vector<RecipeStage> stages;
  std::vector<RecipeBar> bars;
};

struct RecipeText {
  std::string name, text;
  std::string where;  ///< for messages: "recipe kl-mosaic", "my.toml"
};

/// The kinds of stages, and the command whose settings each takes.
struct RecipeKind {
  const char* name;
  unsigned command;
  bool needs_model;
  std::vector<std::string_view> keys;  ///< beside settings and those that all kinds have
};
const std::vector<RecipeKind>& recipe_kinds();
/// The kind of this name; null if there is none.
const RecipeKind* find_recipe_kind(std::string_view name);

/// Puts values in the places of their placeholders. Throws InputError if one is given nowhere.
std::string fill_in(std::string text, const Variables& variables, const std::string& where);

/// What only the whole recipe shows: names that are not unique or no names, models and figures of stages that are not
/// there, settings that cannot be. Throws InputError with the line.
void check_recipe(const Recipe& recipe);

/// The recipes that come with the program.
const std::vector<RecipeText>& recipe_texts();

/// One of them, or a file. Throws InputError with the nearest name.
RecipeText find_recipe(const std::string& name_or_file);

/// Reads a recipe; `quick` takes the smaller settings that it gives for tests. Throws InputError naming the line for
/// what is unknown, with the nearest known word.
Recipe parse_recipe(const RecipeText& text, bool quick);

}  // namespace lacuna::cli
