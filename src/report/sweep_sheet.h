#pragma once

#include <string>
#include <vector>

namespace lacuna::report {

/// One model of a sweep in the picture.
struct SweepTile {
  std::size_t row = 0, column = 0;
  double value = 0;     ///< NaN: it has none
  std::string status;   ///< shown where there is no value
  std::string picture;  ///< a PNG file, its weights; empty or missing: none
};

/// Models in rows and columns by their settings.
struct SweepSheet {
  std::string metric, across;
  std::vector<std::string> rows, columns;  ///< what stands beside them and above them; may be empty texts
  std::vector<SweepTile> tiles;
};

/// An SVG file that needs nothing else: for each model the mosaic of its weights, and its figure on a ground that is
/// the stronger the smaller, thus better, the figure is. Beyond 64 models, the figures alone.
std::string sweep_sheet(const SweepSheet& sheet);

}  // namespace lacuna::report
