#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace lacuna::test {

/// A PNG put together by hand, so that it can hold anything, right or wrong.
struct PngFile {
  std::uint32_t width = 0, height = 0;
  int depth = 8;
  int color_type = 0;        ///< 0 grey, 2 RGB, 3 palette, 4 grey and alpha, 6 RGBA
  std::string samples = {};  ///< depth 8: row-major; below: one byte for each sample, packed when written
  bool interlaced = false;
  std::string before_image = {};  ///< chunks: PLTE, tRNS, acTL, ...
};

/// Length, type, content and checksum.
std::string png_chunk(std::string_view type, std::string_view content);
std::string png_header(const PngFile& png);
std::string png_bytes(const PngFile& png);
/// An 8-bit grey image.
std::string grey_png(std::uint32_t width, std::uint32_t height, const std::string& samples);
/// All of one value.
std::string plain_png(std::uint32_t width, std::uint32_t height, int value);

/// channels: 1 grey, 3 RGB, 4 CMYK; values interleaved. Only where LACUNA_WITH_JPEG is defined.
std::string jpeg_bytes(std::uint32_t width, std::uint32_t height, int channels, const std::string& values,
                       bool progressive = false);

}  // namespace lacuna::test
