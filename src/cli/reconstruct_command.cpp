#include <fmt/format.h>

#include "cli/commands.h"
#include "cli/output.h"
#include "cli/recipe_run.h"
#include "cli/resolve.h"
#include "cli/stop.h"
#include "lacuna/error.h"
#include "lacuna/npy.h"
#include "lacuna/trainer.h"
#include "report/png.h"
#include "train/pictures.h"

namespace lacuna::cli {

namespace {

void write_array(const std::string& path, Backend& backend, const Model& model, const Dataset& data, bool round,
                 const StopOnSignal& stop) {
  Evaluator evaluator(backend, model, data);
  NpyWriter writer(path, data.rows(), data.features());
  std::vector<float> bits;
  evaluator.reconstruct([&](const float* values, std::int64_t rows) {
    if (stop.flag()) throw Interrupted{stop.exit_status()};
    bits.assign(values, values + rows * data.features());
    if (round) round_to_bits(bits);
    writer.append(bits.data(), rows);
  });
  writer.finish();
  tell(fmt::format("{}: reconstructions of {}, float32 [{}, {}]", path, data.name(), data.rows(), data.features()));
}

void write_picture(const std::string& path, Backend& backend, const Model& model, const Dataset& data,
                   std::int64_t samples, bool round) {
  constexpr std::int64_t kGap = 16;
  const SamplePictures pictures = sample_pictures(backend, model, data, samples, round);
  report::write_png(path, report::side_by_side(pictures.input, pictures.reconstruction, kGap));
  tell(fmt::format("{}: samples of {} on the left, their reconstructions{} on the right", path, data.name(),
                   round ? ", rounded," : ""));
}

}  // namespace

int reconstruct_command(const Invocation& invocation) {
  const std::string path =
      invocation.require("model", "reconstruct MODEL --out FILE.npy or --png FILE.png [--data SOURCE]");
  const std::string array = invocation.get("out"), picture = invocation.get("png");
  if (array.empty() && picture.empty()) throw InputError("reconstruct needs --out FILE.npy, --png FILE.png or both");
  const GivenValues given = given_values(invocation, kReconstruct);
  const Model model = load_model(path);
  if (model.network.classifier)
    throw InputError(fmt::format("{} is a classifier, which reconstructs nothing; eval tests it", path));
  const Settings settings = settings_for_model(model, path, given);
  const auto backend = open_backend(settings);
  const Dataset data = open_data(settings, backend.get());
  const bool round = invocation.has("round");
  const std::int64_t samples = invocation.count("samples", 1, kPictureSamples);
  const StopOnSignal stop;  // from here on there is something to remove
  try {
    if (!picture.empty()) write_picture(picture, *backend, model, data, samples, round);
    if (!array.empty()) write_array(array, *backend, model, data, round, stop);
  } catch (const Interrupted& interrupted) {
    tell(fmt::format("interrupted: {} was not written", array));
    return interrupted.status;
  }
  return stop.flag() ? stop.exit_status() : 0;
}

}  // namespace lacuna::cli
