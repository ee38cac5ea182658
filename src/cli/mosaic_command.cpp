#include <fmt/format.h>

#include <algorithm>

#include "cli/commands.h"
#include "cli/output.h"
#include "lacuna/model.h"
#include "report/png.h"
#include "train/pictures.h"

namespace lacuna::cli {

int mosaic_command(const Invocation& invocation) {
  const std::string usage = "mosaic MODEL --out FILE.png [--units N] [--columns N]";
  const std::string path = invocation.require("model", usage);
  const std::string out = invocation.require("out", usage);
  const std::int64_t units = invocation.count("units", 1, 100);
  const std::int64_t columns = invocation.count("columns", 1, 0);
  const Model model = load_model(path);
  const report::Image image = weight_picture(model, units, columns);
  report::write_png(out, image);
  tell(fmt::format("{}: weights of {} units, {} x {} pixels", out,
                   std::min(units, model.layout.parameters().front().shape[0]), image.width, image.height));
  return 0;
}

}  // namespace lacuna::cli
