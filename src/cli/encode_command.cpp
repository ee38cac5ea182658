#include <fmt/format.h>

#include "cli/commands.h"
#include "cli/output.h"
#include "cli/recipe_run.h"
#include "cli/resolve.h"
#include "cli/stop.h"
#include "lacuna/error.h"
#include "lacuna/npy.h"
#include "lacuna/trainer.h"

namespace lacuna::cli {

int encode_command(const Invocation& invocation) {
  const std::string usage = "encode MODEL --out FILE.npy [--data SOURCE]";
  const std::string path = invocation.require("model", usage);
  const std::string out = invocation.require("out", usage);
  const GivenValues given = given_values(invocation, kEncode);
  const Model model = load_model(path);
  if (model.network.encoder.empty())
    throw InputError(fmt::format("{} is softmax of the samples themselves: it has no encoder, and so no codes", path));
  const Settings settings = settings_for_model(model, path, given);
  const auto backend = open_backend(settings);
  const Dataset data = open_data(settings, backend.get());
  Evaluator evaluator(*backend, model, data);
  const StopOnSignal stop;  // from here on there is something to remove
  try {
    NpyWriter writer(out, data.rows(), model.network.code_units());
    evaluator.encode([&](const float* values, std::int64_t rows) {
      if (stop.flag()) throw Interrupted{stop.exit_status()};
      writer.append(values, rows);
    });
    writer.finish();
  } catch (const Interrupted& interrupted) {
    tell(fmt::format("interrupted: {} was not written", out));
    return interrupted.status;
  }
  tell(fmt::format("{}: codes of {}, float32 [{}, {}]", out, data.name(), data.rows(), model.network.code_units()));
  return stop.flag() ? stop.exit_status() : 0;
}

}  // namespace lacuna::cli
