#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <span>

#include "cli/recipe.h"
#include "core/words.h"
#include "io/printable.h"
#include "lacuna/error.h"

namespace lacuna::cli {

namespace {

constexpr std::string_view kShows[] = {"number", "percent", "count", "seconds"};
constexpr std::string_view kDrawings[] = {"weights", "reconstruction"};

void require_known(const std::string& word, std::span<const std::string_view> known, const std::string& where,
                   const char* what) {
  if (std::ranges::find(known, word) != known.end()) return;
  throw InputError(fmt::format("{}: {} is {}{}; known: {}", where, what, io::printable(word),
                               words::did_you_mean(word, known), fmt::join(known, ", ")));
}

/// Stages are named in the order in which they run; what is looked for must be among them.
class Stages {
 public:
  void add(const RecipeStage& stage) {
    // A stage's name is that of its directory.
    const bool plain = !stage.name.empty() && stage.name.find('/') == std::string::npos && !stage.name.starts_with('.');
    if (!plain)
      throw InputError(fmt::format("{}: name {} is no name for a directory", stage.where, io::printable(stage.name)));
    if (find(stage.name)) throw InputError(fmt::format("{}: two stages are named {}", stage.where, stage.name));
    stages_.push_back(&stage);
  }
  const RecipeStage* find(const std::string& name) const {
    const auto found = std::ranges::find_if(stages_, [&](const RecipeStage* s) { return s->name == name; });
    return found == stages_.end() ? nullptr : *found;
  }
  const RecipeStage& require(const std::string& name, const std::string& where, const char* which) const {
    if (const RecipeStage* stage = find(name)) return *stage;
    std::vector<std::string_view> known;
    for (const RecipeStage* stage : stages_) known.emplace_back(stage->name);
    throw InputError(fmt::format("{}: no {}stage is named {}{}", where, which, io::printable(name),
                                 words::did_you_mean(name, known)));
  }
  /// One that finds figures.
  void require_figures(const std::string& name, const std::string& where) const {
    const RecipeStage& stage = require(name, where, "");
    if (!stage.trains() && stage.kind != "evaluate")
      throw InputError(fmt::format("{}: stage {} is of kind {}, which finds no figures", where, name, stage.kind));
  }

 private:
  std::vector<const RecipeStage*> stages_;
};

/// "@STAGE" must be an earlier one that leaves a model.
void check_reference(const std::string& model, const std::string& where, const Stages& earlier) {
  if (!model.starts_with("@")) return;
  const RecipeStage& from = earlier.require(model.substr(1), where, "earlier ");
  if (!from.trains())
    throw InputError(fmt::format("{}: stage {} is of kind {}, which leaves no model", where, from.name, from.kind));
}

void check_model(const RecipeStage& stage, const Stages& earlier) {
  if (stage.model.empty() && find_recipe_kind(stage.kind)->needs_model)
    throw InputError(
        fmt::format("{}: a stage of kind {} needs a model, as in model = \"@STAGE\"", stage.where, stage.kind));
  check_reference(stage.model, stage.where, earlier);
  if (const auto teacher = stage.settings.find("teacher"); teacher != stage.settings.end())
    check_reference(teacher->second.text, teacher->second.where, earlier);
}

void check_settings_of(const RecipeStage& stage) {
  Settings settings;
  settings.command = static_cast<CommandBit>(find_recipe_kind(stage.kind)->command);
  apply_values(settings, stage.settings);
}

void check_column(const RecipeColumn& column, const std::vector<Variables>& rows, const Stages& stages) {
  require_known(column.show, kShows, column.where, "show");
  if (column.stage.empty() == column.value.empty() || column.stage.empty() != column.key.empty())
    throw InputError(fmt::format("{}: a column needs either a value, or a stage and a key", column.where));
  for (const Variables& row : rows) {
    fill_in(column.value, row, column.where);
    if (!column.stage.empty()) stages.require_figures(fill_in(column.stage, row, column.where), column.where);
  }
}

void check_bar(const RecipeBar& bar, const Stages& stages) {
  require_known(bar.show, kShows, bar.where, "show");
  if (bar.title.empty() || bar.stage.empty() || bar.key.empty())
    throw InputError(fmt::format("{}: a bar needs a title, a stage and a key", bar.where));
  if (!bar.at_least && !bar.at_most)
    throw InputError(fmt::format("{}: a bar needs at-least, at-most or both", bar.where));
  stages.require_figures(bar.stage, bar.where);
  if (!bar.minus_stage.empty()) stages.require_figures(bar.minus_stage, bar.where);
}

}  // namespace

const std::vector<RecipeKind>& recipe_kinds() {
  static const std::vector<RecipeKind> kinds{
      {"pretrain", kTrain, false, {"model"}},
      {"classify", kClassify, false, {"model"}},
      {"finetune", kFinetune, false, {"model"}},
      {"evaluate", kEval, true, {"model"}},
      {"encode", kEncode, true, {"model"}},
      {"draw", kReconstruct, true, {"model", "what", "title", "units", "samples", "round"}},
      {"export", 0, true, {"model", "bias-row"}},
      {"compare", 0, false, {"title", "note", "rows", "columns"}}};
  return kinds;
}

const RecipeKind* find_recipe_kind(std::string_view name) {
  const auto found = std::ranges::find_if(recipe_kinds(), [&](const RecipeKind& kind) { return name == kind.name; });
  return found == recipe_kinds().end() ? nullptr : &*found;
}

bool RecipeStage::trains() const {
  return kind == "pretrain" || kind == "classify" || kind == "finetune";
}

void check_recipe(const Recipe& recipe) {
  Stages stages;
  for (const RecipeStage& stage : recipe.stages) {
    check_model(stage, stages);
    check_settings_of(stage);
    if (stage.kind == "draw") require_known(stage.what, kDrawings, stage.where, "what");
    stages.add(stage);
  }
  for (const RecipeStage& stage : recipe.stages) {
    if (stage.kind != "compare") continue;
    if (stage.columns.empty()) throw InputError(fmt::format("{}: a comparison needs columns", stage.where));
    for (const RecipeColumn& column : stage.columns) check_column(column, stage.rows, stages);
  }
  for (const RecipeBar& bar : recipe.bars) check_bar(bar, stages);
}

std::string fill_in(std::string text, const Variables& variables, const std::string& where) {
  for (const auto& [name, value] : variables) {
    const std::string mark = "{" + name + "}";
    for (std::size_t at = 0; (at = text.find(mark, at)) != std::string::npos; at += value.size())
      text.replace(at, mark.size(), value);
  }
  if (const std::size_t open = text.find('{'); open != std::string::npos)
    throw InputError(fmt::format("{}: {} is given nowhere", where, text.substr(open, text.find('}', open) - open + 1)));
  return text;
}

}  // namespace lacuna::cli
