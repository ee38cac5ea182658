#include <algorithm>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/output.h"
#include "cli/resolve.h"
#include "lacuna/trainer.h"

namespace lacuna::cli {

int eval_command(const Invocation& invocation) {
  const std::string path = invocation.require("model", "eval MODEL [--data SOURCE] [--split train|test]");
  const GivenValues given = given_values(invocation, kEval);
  const Model model = load_model(path);
  const Settings settings = settings_for_model(model, path, given);
  settings.objective.validate(model.network);
  const auto backend = open_backend(settings);
  const Dataset data = open_data(settings);
  std::vector<double> unit_means;
  const StepLoss loss = Evaluator(*backend, model, data).loss(settings.objective, &unit_means);
  const auto [least, most] = std::ranges::minmax(unit_means);

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
  print_line(json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
  return 0;
}

}  // namespace lacuna::cli
