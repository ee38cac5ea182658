#include <fmt/format.h>

#include <algorithm>

#include "cli/commands.h"
#include "cli/output.h"
#include "cli/recipe_run.h"
#include "cli/resolve.h"
#include "io/file.h"
#include "lacuna/error.h"

namespace lacuna::cli {

namespace {

constexpr const char* kUsage = "semi --labels N --out DIR [--seeds N]";

/// Settings of the command line that a stage of this command takes, but for those that `without` names.
GivenValues settings_for(const GivenValues& given, CommandBit command,
                         std::initializer_list<std::string_view> without) {
  GivenValues settings;
  for (const auto& [name, value] : given)
    if ((find_setting(name)->commands & command) != 0 && std::ranges::find(without, name) == without.end())
      settings[name] = value;
  return settings;
}

RecipeStage stage(std::string name, std::string kind, GivenValues settings, std::string model = {}) {
  RecipeStage one;
  one.name = std::move(name);
  one.kind = std::move(kind);
  one.settings = std::move(settings);
  one.model = std::move(model);
  return one;
}

RecipeStage comparison() {
  RecipeStage table;
  table.name = "accuracy";
  table.kind = "compare";
  table.title = "Accuracy";
  for (const auto& [way, run] : {std::pair{"softmax on codes", "softmax"},
                                 {"fine-tuned", "tuned"},
                                 {"the same network from random weights", "random"}})
    table.rows.push_back({{"way", way}, {"run", run}});
  table.columns = {{"", "{way}", "", "", "", ""},
                   {"samples left over", "", "{run}", "rest_accuracy", "percent", ""},
                   {"test set", "", "{run}", "test_accuracy", "percent", ""}};
  return table;
}

Recipe semi_recipe(const Invocation& invocation, const GivenValues& given) {
  const auto epochs = [&](const char* option, const char* otherwise) {
    return GivenValue{invocation.has(option) ? invocation.get(option) : otherwise, fmt::format("--{}", option)};
  };
  Recipe recipe;
  recipe.name = "semi";
  recipe.title = fmt::format("{} labels and all the other samples", given.at("labels").text);
  recipe.description =
      "An autoencoder of all samples without labels; softmax on its codes with the labels; encoder and softmax "
      "fine-tuned; and the same network from random weights.";
  // Noise, dropout and the epochs of pretraining are for the autoencoder; its objective is none of a classifier's.
  const auto classifying = [&](CommandBit command) {
    GivenValues settings =
        settings_for(given, command,
                     {"epochs", "noise", "weight-decay", "hidden", "activation", "optimizer", "lr", "lr-schedule",
                      "lr-factor", "lr-every", "warmup", "momentum", "nesterov", "init", "random"});
    settings.emplace("test-every", GivenValue{"0", "semi"});
    settings.emplace("keep-checkpoints", GivenValue{"1", "semi"});
    return settings;
  };
  GivenValues pretraining = settings_for(given, kTrain, {"labels", "draw-labels", "dropout"});
  pretraining.emplace("keep-checkpoints", GivenValue{"1", "semi"});
  GivenValues softmax = classifying(kClassify), tuning = classifying(kFinetune);
  softmax["epochs"] = epochs("classify-epochs", "100");
  softmax["lr"] = {"0.01", "semi"};
  softmax["weight-decay"] = tuning["weight-decay"] = {"0.0001", "semi"};
  softmax["lr-schedule"] = tuning["lr-schedule"] = {"cosine", "semi"};
  softmax.erase("dropout");
  tuning["epochs"] = epochs("tune-epochs", "100");
  GivenValues random = tuning;
  random["random"] = {"on", "semi"};
  recipe.stages = {stage("pretrain", "pretrain", pretraining), stage("softmax", "classify", softmax, "@pretrain"),
                   stage("tuned", "finetune", tuning, "@softmax"), stage("random", "finetune", random, "@softmax"),
                   comparison()};
  return recipe;
}

}  // namespace

int semi_command(const Invocation& invocation) {
  GivenValues given = given_values(invocation, kSemi);
  if (!given.contains("labels") || given.at("labels").text == "0")
    throw InputError(fmt::format("semi needs the number of samples with labels: lacuna {}", kUsage));
  if (!given.contains("out"))
    throw InputError(fmt::format("semi needs a directory for its results: lacuna {}", kUsage));
  Settings settings;
  settings.command = kSemi;
  apply_values(settings, given);
  if (settings.force && settings.resume) throw InputError("--force and --resume exclude each other");
  if (settings.random) throw InputError("--random: semi trains from random weights too, to compare; leave it out");
  RecipePlan plan;
  plan.out = io::without_slashes(settings.out);
  plan.seed = settings.seed;
  plan.seeds = invocation.count("seeds", 1, 1);
  plan.force = settings.force;
  plan.resume = settings.resume;
  for (const char* epochs : {"classify-epochs", "tune-epochs"}) invocation.count(epochs, 0, 0);
  for (const char* own : {"out", "seed", "force", "resume"}) given.erase(own);
  return run_and_report(semi_recipe(invocation, given), plan);
}

}  // namespace lacuna::cli
