#include <fmt/format.h>

#include "cli/commands.h"
#include "cli/output.h"
#include "cli/resolve.h"
#include "lacuna/npy.h"
#include "lacuna/trainer.h"

namespace lacuna::cli {

int encode_command(const Invocation& invocation) {
  const std::string usage = "encode MODEL --out FILE.npy [--data SOURCE]";
  const std::string path = invocation.require("model", usage);
  const std::string out = invocation.require("out", usage);
  const GivenValues given = given_values(invocation, kEncode);
  const Model model = load_model(path);
  const Settings settings = settings_for_model(model, path, given);
  const auto backend = open_backend(settings);
  const Dataset data = open_data(settings);
  Evaluator evaluator(*backend, model, data);
  NpyWriter writer(out, data.rows(), model.network.code_units());
  evaluator.encode([&](const float* values, std::int64_t rows) { writer.append(values, rows); });
  writer.finish();
  tell(fmt::format("{}: codes of {}, float32 [{}, {}]", out, data.name(), data.rows(), model.network.code_units()));
  return 0;
}

}  // namespace lacuna::cli
