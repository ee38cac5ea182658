#pragma once

#include <cstdint>
#include <optional>

#include "lacuna/tensor.h"
#include "report/image.h"

namespace lacuna::report {

/// How a row of numbers becomes a tile.
struct TileShape {
  std::int64_t height = 0, width = 0;
  int channels = 1;
  bool planar = false;  ///< [3, h, w] rather than [h, w, 3]
};

/// [h, w], [1, h, w], [h, w, 1], [3, h, w] and [h, w, 3] are images.
std::optional<TileShape> image_tile(const Shape& sample_shape);

/// Where a picture is asked for, a flat or unknown shape may be that of a square image, too: if `features` is a square
/// number of at least 4. Nothing else can be drawn as tiles.
std::optional<TileShape> tile_shape(const Shape& sample_shape, std::int64_t features);

/// One row of pixels, for samples that are no images.
TileShape row_shape(std::int64_t features);

enum class TileScaling {
  /// Each tile by itself, as in UFLDL's display_network: minus its mean, over its largest magnitude, so that no
  /// weight is mid-grey.
  centred,
  /// Values are brightness; clipped to [0, 1].
  unit,
};

struct MosaicOptions {
  std::int64_t columns = 0;         ///< 0: as square as possible
  std::int64_t wanted_width = 800;  ///< small mosaics are enlarged by a whole factor, at least 2, to reach this
  TileScaling scaling = TileScaling::centred;
};

/// Tiles `rows` [rows, features] in reading order with a border of one (unenlarged) pixel, black, or dark grey around
/// brightness.
Image mosaic(const float* values, std::int64_t rows, const TileShape& tile, const MosaicOptions& options);

}  // namespace lacuna::report
