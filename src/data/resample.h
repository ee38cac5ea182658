#pragma once

#include <cstdint>
#include <vector>

#include "data/image_decode.h"

namespace lacuna::data {

/// One channel after another, [channels, height, width]: RGB with `color`, else the luma of ITU-R BT.601, 0.299 R +
/// 0.587 G + 0.114 B, of the values as they are stored. What is transparent lies over black.
std::vector<std::uint8_t> to_planes(const Pixels& pixels, bool color);

/// Brings a plane to another size; the ratio of its sides is not kept. Along each axis a pixel becomes the average of
/// the area that it covers where there are fewer of them, and lies on the line between its two neighbours (centres at
/// halves, edges continued) where there are more. Exact but for one rounding at the end, so the same everywhere.
void resize_plane(const std::uint8_t* from, const ImageSize& from_size, std::uint8_t* to, const ImageSize& to_size);

}  // namespace lacuna::data
