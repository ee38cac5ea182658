#include <fmt/format.h>

#include "cli/commands.h"
#include "cli/output.h"
#include "cli/recipe_run.h"
#include "core/json_text.h"
#include "io/file.h"
#include "lacuna/error.h"

namespace lacuna::cli {

int recipe_list_command(const Invocation&) {
  for (const RecipeText& text : recipe_texts())
    print_line(fmt::format("{:22} {}", text.name, parse_recipe(text, false).title));
  return 0;
}

int recipe_show_command(const Invocation& invocation) {
  std::string text = find_recipe(invocation.require("name", "recipe show NAME > my.toml")).text;
  if (text.ends_with('\n')) text.pop_back();
  print_line(text);
  return 0;
}

RecipePlan recipe_plan(const Invocation& invocation) {
  RecipePlan plan;
  plan.seed = static_cast<std::uint64_t>(invocation.count("seed", 0, 0));
  plan.seeds = invocation.count("seeds", 1, 1);
  plan.force = invocation.has("force");
  plan.resume = invocation.has("resume");
  if (plan.force && plan.resume) throw InputError("--force and --resume exclude each other");
  return plan;
}

int run_and_report(const Recipe& recipe, const RecipePlan& plan) {
  try {
    auto json = run_recipe(recipe, plan);
    json["report"] = plan.out + "/report.html";
    write_report({plan.out}, plan.out + "/report.html");
    for (const auto& bar : recipe.quick ? nlohmann::ordered_json::array() : json["bars"])
      tell(fmt::format("{:8} {}: {}", bar["reached"] ? "reached" : "missed", bar["title"].get<std::string>(),
                       bar["shown"].get<std::string>()));
    print_line(core::json_text(json));
  } catch (const Interrupted& interrupted) {
    tell(fmt::format("{} was interrupted; the same command with --resume{} goes on", recipe.name,
                     plan.force ? " in place of --force" : ""));
    return interrupted.status;
  }
  return 0;
}

int recipe_run_command(const Invocation& invocation) {
  const std::string name = invocation.require("name", "recipe run NAME|FILE.toml [--out DIR]");
  const Recipe recipe = parse_recipe(find_recipe(name), invocation.has("quick"));
  RecipePlan plan = recipe_plan(invocation);
  plan.out = invocation.has("out") ? io::without_slashes(invocation.get("out"))
                                   : "runs/" + recipe.name + (recipe.quick ? "-quick" : "");
  if (plan.out.empty()) throw InputError("--out: needs a directory");
  for (const char* setting : {"data", "device", "threads"})
    if (const auto given = invocation.settings.find(setting); given != invocation.settings.end())
      plan.overrides[setting] = given->second;
  return run_and_report(recipe, plan);
}

}  // namespace lacuna::cli
