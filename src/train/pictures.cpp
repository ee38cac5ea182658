#include "train/pictures.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "lacuna/error.h"
#include "lacuna/trainer.h"
#include "report/mosaic.h"
#include "report/png.h"

namespace lacuna {

namespace {

/// Wider rows of pixels would be of no use to anybody.
constexpr std::int64_t kWidestRow = 8192;

std::optional<report::TileShape> model_tile(const Model& model) {
  const std::int64_t features = model.network.features();
  auto tile = report::tile_shape(model.sample_shape, features);
  if (tile && tile->height * tile->width * tile->channels != features) tile = report::tile_shape({}, features);
  return tile;
}

/// A convolution's kernels of one channel, or of three, are pictures themselves.
std::optional<report::TileShape> kernel_tile(const Shape& weight) {
  return report::tile_shape(weight[1] == 1 ? Shape{weight[2], weight[3]} : Shape{weight[1], weight[2], weight[3]},
                            weight[1] * weight[2] * weight[3]);
}

[[noreturn]] void no_pictures(const std::string& what, std::int64_t features, const Shape& shape) {
  throw InputError(
      fmt::format("{}: samples of {} values{} are no pictures: neither [height, width] nor a square number", what,
                  features, shape.rank() > 0 ? " of shape " + to_string(shape) : ""));
}

}  // namespace

report::Image weight_picture(const Model& model, std::int64_t units, std::int64_t columns, bool rows_for_others) {
  const Parameter& weight = model.layout.parameters().front();
  const std::int64_t features = weight.elements() / weight.shape[0];
  const bool kernels = weight.shape.rank() == 4;
  auto tile = kernels ? kernel_tile(weight.shape) : model_tile(model);
  report::MosaicOptions options;
  options.columns = columns;
  if (!tile) {
    if (!rows_for_others || features > kWidestRow) no_pictures("cannot draw weights", features, model.sample_shape);
    tile = report::row_shape(features);
    options.columns = 1;
  }
  return report::mosaic(model.data(weight.name), std::min(units, weight.shape[0]), *tile, options);
}

void round_to_bits(std::vector<float>& values) {
  for (float& value : values)
    if (!std::isnan(value)) value = value >= 0.5f ? 1.0f : 0.0f;
}

SamplePictures sample_pictures(Backend& backend, const Model& model, const Dataset& data, std::int64_t count,
                               bool round) {
  const Dataset samples = data.first(count);
  const auto tile = report::tile_shape(samples.sample_shape(), samples.features());
  if (!tile) no_pictures(data.name(), data.features(), data.sample_shape());
  report::MosaicOptions options;
  options.scaling = report::TileScaling::unit;

  std::vector<float> values(static_cast<std::size_t>(samples.rows() * samples.features()));
  for (std::int64_t i = 0; i < samples.rows(); ++i) samples.copy_row(i, values.data() + i * samples.features());
  SamplePictures pictures;
  pictures.input = report::mosaic(values.data(), samples.rows(), *tile, options);

  auto out = values.begin();
  Evaluator(backend, model, samples).reconstruct([&](const float* batch, std::int64_t rows) {
    out = std::copy_n(batch, rows * samples.features(), out);
  });
  if (round) round_to_bits(values);
  pictures.reconstruction = report::mosaic(values.data(), samples.rows(), *tile, options);
  return pictures;
}

std::vector<std::string> write_pictures(const std::string& directory, Backend& backend, const Model& model,
                                        const Dataset& data) {
  std::vector<std::string> written;
  const auto write = [&](const char* name, const report::Image& image) {
    written.push_back(directory + "/" + name);
    report::write_png(written.back(), image);
  };
  if (model_tile(model) || model.network.features() <= kWidestRow)
    write("weights.png", weight_picture(model, kPictureSamples, 0, true));
  if (!model.network.classifier && report::tile_shape(data.sample_shape(), data.features())) {
    const SamplePictures pictures = sample_pictures(backend, model, data);
    write("input.png", pictures.input);
    write("reconstruction.png", pictures.reconstruction);
  }
  return written;
}

}  // namespace lacuna
