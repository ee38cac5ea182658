#include "report/image.h"

#include <algorithm>

#include "lacuna/error.h"

namespace lacuna::report {

Image::Image(std::int64_t w, std::int64_t h, int c, std::uint8_t value)
    : width(w), height(h), channels(c), pixels(static_cast<std::size_t>(w * h * c), value) {}

Image enlarge(const Image& image, int factor) {
  LACUNA_EXPECTS(factor >= 1, "an image is enlarged by a factor of at least 1");
  Image out(image.width * factor, image.height * factor, image.channels);
  for (std::int64_t y = 0; y < out.height; ++y)
    for (std::int64_t x = 0; x < out.width; ++x)
      std::copy_n(image.at(x / factor, y / factor), image.channels, out.at(x, y));
  return out;
}

Image side_by_side(const Image& left, const Image& right, std::int64_t gap) {
  LACUNA_EXPECTS(left.height == right.height && left.channels == right.channels,
                 "images side by side have one height and one kind of pixel");
  Image out(left.width + gap + right.width, left.height, left.channels, 255);
  for (std::int64_t y = 0; y < out.height; ++y) {
    std::copy_n(left.at(0, y), left.width * left.channels, out.at(0, y));
    std::copy_n(right.at(0, y), right.width * right.channels, out.at(left.width + gap, y));
  }
  return out;
}

}  // namespace lacuna::report
