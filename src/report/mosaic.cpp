#include "report/mosaic.h"

#include <algorithm>
#include <cmath>

#include "lacuna/error.h"

namespace lacuna::report {

namespace {

std::int64_t square_root(std::int64_t n) {
  auto root = static_cast<std::int64_t>(std::llround(std::sqrt(static_cast<double>(n))));
  return root * root == n ? root : 0;
}

/// Value -> brightness in [0, 1]: offset and slope found for one tile.
struct Brightness {
  double centre = 0.5, slope = 1.0;

  std::uint8_t operator()(float value) const {
    const double level = 0.5 + slope * (static_cast<double>(value) - centre);
    if (std::isnan(level)) return 128;
    return static_cast<std::uint8_t>(std::lround(255.0 * std::clamp(level, 0.0, 1.0)));
  }
};

Brightness centred(const float* values, std::int64_t count) {
  double mean = 0.0, largest = 0.0;
  for (std::int64_t i = 0; i < count; ++i) mean += static_cast<double>(values[i]) / static_cast<double>(count);
  for (std::int64_t i = 0; i < count; ++i) largest = std::max(largest, std::abs(static_cast<double>(values[i]) - mean));
  return {mean, largest > 0.0 ? 0.5 / largest : 0.0};
}

void draw_tile(Image& image, std::int64_t left, std::int64_t top, const float* values, const TileShape& tile,
               const Brightness& brightness) {
  for (std::int64_t y = 0; y < tile.height; ++y)
    for (std::int64_t x = 0; x < tile.width; ++x)
      for (int c = 0; c < tile.channels; ++c) {
        const std::int64_t index =
            tile.planar ? (c * tile.height + y) * tile.width + x : (y * tile.width + x) * tile.channels + c;
        image.at(left + x, top + y)[c] = brightness(values[index]);
      }
}

}  // namespace

std::optional<TileShape> image_tile(const Shape& shape) {
  if (shape.rank() == 2) return TileShape{shape[0], shape[1]};
  if (shape.rank() == 3) {
    if (shape[0] == 1) return TileShape{shape[1], shape[2]};
    if (shape[2] == 1) return TileShape{shape[0], shape[1]};
    if (shape[2] == 3) return TileShape{shape[0], shape[1], 3};
    if (shape[0] == 3) return TileShape{shape[1], shape[2], 3, true};
  }
  return std::nullopt;
}

std::optional<TileShape> tile_shape(const Shape& shape, std::int64_t features) {
  if (shape.rank() > 1) return image_tile(shape);
  const std::int64_t side = square_root(features);
  if (side < 2) return std::nullopt;
  return TileShape{side, side};
}

TileShape row_shape(std::int64_t features) {
  return {1, features};
}

Image mosaic(const float* values, std::int64_t rows, const TileShape& tile, const MosaicOptions& options) {
  LACUNA_EXPECTS(rows > 0 && tile.height > 0 && tile.width > 0, "a mosaic has at least one tile of at least one pixel");
  std::int64_t columns = options.columns;
  if (columns <= 0) columns = static_cast<std::int64_t>(std::ceil(std::sqrt(static_cast<double>(rows))));
  columns = std::min(columns, rows);
  const std::int64_t lines = (rows + columns - 1) / columns;
  const std::int64_t features = tile.height * tile.width * tile.channels;

  // Pictures on a black ground need another border to be told apart.
  const std::uint8_t border = options.scaling == TileScaling::centred ? 0 : 64;
  Image image(1 + columns * (tile.width + 1), 1 + lines * (tile.height + 1), tile.channels, border);
  for (std::int64_t i = 0; i < rows; ++i) {
    const float* row = values + i * features;
    const Brightness brightness = options.scaling == TileScaling::centred ? centred(row, features) : Brightness{};
    draw_tile(image, 1 + i % columns * (tile.width + 1), 1 + i / columns * (tile.height + 1), row, tile, brightness);
  }
  if (image.width >= options.wanted_width) return image;
  const std::int64_t factor = (options.wanted_width + image.width - 1) / image.width;
  return enlarge(image, static_cast<int>(std::clamp<std::int64_t>(factor, 2, 16)));
}

}  // namespace lacuna::report
