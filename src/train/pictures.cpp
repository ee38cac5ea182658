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
  return report::image_tile(weight[1] == 1 ? Shape{weight[2], weight[3]} : Shape{weight[1], weight[2], weight[3]});
}

[[noreturn]] void no_pictures(const std::string& what, std::int64_t features, const Shape& shape) {
  throw InputError(
      fmt::format("{}: samples of {} values{} are no pictures: neither [height, width] nor a square number", what,
                  features, shape.rank() > 0 ? " of shape " + to_string(shape) : ""));
}

const Parameter& first_weight(const Model& model) {
  return model.layout.parameters().front();
}

std::int64_t row_elements(const Parameter& weight) {
  return weight.elements() / weight.shape[0];
}

report::Image drawn(const Model& model, std::int64_t units, const report::TileShape& tile, std::int64_t columns) {
  const Parameter& weight = first_weight(model);
  report::MosaicOptions options;
  options.columns = columns;
  return report::mosaic(model.data(weight.name), std::min(units, weight.shape[0]), tile, options);
}

bool within_unit_interval(const Dataset& samples) {
  std::vector<float> values(static_cast<std::size_t>(samples.features()));
  for (std::int64_t i = 0; i < samples.rows(); ++i) {
    samples.copy_row(i, values.data());
    if (!std::ranges::all_of(values, [](float value) { return value >= 0.0f && value <= 1.0f; })) return false;
  }
  return true;
}

/// How a run draws its samples: as their shape says. Flat ones may be images all the same, which many files hold as
/// rows of 784 values; activations of a network, which are no images, hardly ever lie between 0 and 1.
std::optional<report::TileShape> run_tile(const Dataset& data) {
  const auto tile = report::tile_shape(data.sample_shape(), data.features());
  const bool is_image = report::image_tile(data.sample_shape()) || within_unit_interval(data.first(kPictureSamples));
  return tile && is_image ? tile : std::nullopt;
}

/// Tiles where samples are images, else a row of pixels for each unit; nothing where that would be too wide.
std::optional<report::Image> weights_of_run(const Model& model, const Dataset& data) {
  const Parameter& weight = first_weight(model);
  const auto tile = weight.shape.rank() == 4 ? kernel_tile(weight.shape) : run_tile(data);
  if (tile) return drawn(model, kPictureSamples, *tile, 0);
  if (row_elements(weight) > kWidestRow) return std::nullopt;
  return drawn(model, kPictureSamples, report::row_shape(row_elements(weight)), 1);
}

}  // namespace

report::Image weight_picture(const Model& model, std::int64_t units, std::int64_t columns) {
  const Parameter& weight = first_weight(model);
  const auto tile = weight.shape.rank() == 4 ? kernel_tile(weight.shape) : model_tile(model);
  if (!tile) no_pictures("cannot draw weights", row_elements(weight), model.sample_shape);
  return drawn(model, units, *tile, columns);
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

std::string why_no_tiles(const Dataset& data) {
  if (run_tile(data)) return {};
  const char* weights =
      data.features() > kWidestRow ? "there is no weights.png" : "weights.png has a row of pixels for each unit";
  const auto square = report::tile_shape(data.sample_shape(), data.features());
  const char* why = square ? " and values beyond 0 to 1" : "";
  return fmt::format("samples of {}{} are no images: {}{}", to_string(data.sample_shape()), why, weights,
                     square ? fmt::format("; if they are, lacuna mosaic draws {0} x {0} tiles", square->width) : "");
}

std::vector<std::string> write_pictures(const std::string& directory, Backend& backend, const Model& model,
                                        const Dataset& data) {
  std::vector<std::string> written;
  const auto write = [&](const char* name, const report::Image& image) {
    written.push_back(directory + "/" + name);
    report::write_png(written.back(), image);
  };
  if (const auto weights = weights_of_run(model, data)) write("weights.png", *weights);
  if (!model.network.classifier && run_tile(data)) {
    const SamplePictures pictures = sample_pictures(backend, model, data);
    write("input.png", pictures.input);
    write("reconstruction.png", pictures.reconstruction);
  }
  return written;
}

}  // namespace lacuna
