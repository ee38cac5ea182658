#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace lacuna::report {

/// 8-bit pixels, row-major, channels interleaved: 1 (grey) or 3 (RGB).
struct Image {
  std::int64_t width = 0, height = 0;
  int channels = 1;
  std::vector<std::uint8_t> pixels;

  Image() = default;
  Image(std::int64_t w, std::int64_t h, int c, std::uint8_t value = 0);

  std::uint8_t* at(std::int64_t x, std::int64_t y) {
    return pixels.data() + static_cast<std::size_t>((y * width + x) * channels);
  }
  const std::uint8_t* at(std::int64_t x, std::int64_t y) const {
    return pixels.data() + static_cast<std::size_t>((y * width + x) * channels);
  }
};

/// Every pixel `factor` times in both directions.
Image enlarge(const Image& image, int factor);
/// Two images of the same height and channels, `gap` white pixels between them.
Image side_by_side(const Image& left, const Image& right, std::int64_t gap);

}  // namespace lacuna::report
