#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/output.h"
#include "cli/resolve.h"
#include "cli/run_job.h"
#include "core/json_text.h"
#include "lacuna/error.h"
#include "lacuna/trainer.h"
#include "train/classification.h"

namespace lacuna::cli {

namespace {

/// What a classifier's test makes no use of. A configuration file may hold it, for other commands.
void refuse_objective(const Invocation& invocation, const std::string& path) {
  for (const auto& [name, value] : invocation.settings)
    if (std::string_view(find_setting(name)->group) == "Objective")
      throw InputError(fmt::format("{} is for autoencoders, and {} is a classifier: leave it out", value.where, path));
}

}  // namespace

CommandResult evaluate(const Invocation& invocation) {
  const std::string path = invocation.require("model", "eval MODEL [--data SOURCE] [--split train|test]");
  const GivenValues given = given_values(invocation, kEval);
  const Model model = load_model(path);
  if (model.network.classifier) refuse_objective(invocation, path);
  const Settings settings = settings_for_model(model, path, given);
  settings.objective.validate(model.network);
  const auto backend = open_backend(settings);
  const Dataset data = open_data(settings, backend.get());
  if (model.network.classifier) {
    nlohmann::ordered_json json =
        nlohmann::ordered_json::parse(evaluation_json(lacuna::classify(*backend, model, data), std::nullopt));
    json["model"] = path;
    return {std::move(json), 0};
  }
  const Evaluation found = Evaluator(*backend, model, data).evaluate(settings.objective);
  const StepLoss& loss = found.loss;
  const auto [least, most] = std::ranges::minmax(found.unit_means);

  nlohmann::ordered_json json;
  json["model"] = path;
  json["data"] = data.name();
  json["rows"] = data.rows();
  json["loss"] = loss.total();
  json["reconstruction"] = loss.reconstruction;
  json["sparsity"] = loss.sparsity;
  json["weight_decay"] = loss.weight_decay;
  json["mean_activation"] = loss.mean_activation;
  json["min_unit_activation"] = least;
  json["max_unit_activation"] = most;
  json["reconstruction_per_value"] = loss.reconstruction / static_cast<double>(data.features());
  if (found.l0) json["l0"] = *found.l0;
  if (found.dead_units) json["dead_units"] = *found.dead_units;
  json["explained_variance"] = found.explained_variance ? nlohmann::ordered_json(*found.explained_variance) : nullptr;
  return {std::move(json), 0};
}

int eval_command(const Invocation& invocation) {
  const CommandResult result = evaluate(invocation);
  print_line(core::json_text(result.json));
  return result.status;
}

}  // namespace lacuna::cli
