#include <fmt/format.h>

#include <algorithm>

#include "cli/commands.h"
#include "cli/output.h"
#include "cli/parse.h"
#include "lacuna/error.h"
#include "lacuna/model.h"
#include "report/png.h"
#include "train/pictures.h"

namespace lacuna::cli {

namespace {

std::int64_t count_option(const Invocation& invocation, const std::string& name, std::int64_t otherwise) {
  if (!invocation.has(name)) return otherwise;
  try {
    return parse_integer(invocation.get(name), 1);
  } catch (const InputError& error) {
    throw InputError(fmt::format("--{}: {}", name, error.what()));
  }
}

}  // namespace

int mosaic_command(const Invocation& invocation) {
  const std::string usage = "mosaic MODEL --out FILE.png [--units N] [--columns N]";
  const std::string path = invocation.require("model", usage);
  const std::string out = invocation.require("out", usage);
  const std::int64_t units = count_option(invocation, "units", 100);
  const std::int64_t columns = count_option(invocation, "columns", 0);
  const Model model = load_model(path);
  const report::Image image = weight_picture(model, units, columns, false);
  report::write_png(out, image);
  tell(fmt::format("{}: weights of {} units, {} x {} pixels", out, std::min(units, model.network.encoder[0].outputs),
                   image.width, image.height));
  return 0;
}

}  // namespace lacuna::cli
