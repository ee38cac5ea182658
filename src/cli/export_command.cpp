#include <fmt/format.h>

#include "cli/commands.h"
#include "cli/output.h"
#include "cli/stop.h"
#include "lacuna/parameter_arrays.h"

namespace lacuna::cli {

int export_command(const Invocation& invocation) {
  const std::string usage = "export MODEL --out DIR [--bias-row]";
  const std::string path = invocation.require("model", usage);
  const std::string out = invocation.require("out", usage);
  const Model model = load_model(path);
  const StopOnSignal stop;  // small enough to be finished: nothing half written stays behind
  const auto files = save_parameter_arrays(out, model, invocation.has("bias-row"));
  for (const std::string& file : files) print_line(file);
  tell(fmt::format("{}: {} arrays of {}", out, files.size(), path));
  return stop.flag() ? stop.exit_status() : 0;
}

}  // namespace lacuna::cli
