#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "lacuna/data.h"

namespace lacuna::data {

/// 8-bit pixels, row-major, channels interleaved: 1 grey, 2 grey and alpha, 3 RGB, 4 RGB and alpha.
struct Pixels {
  ImageSize size;
  int channels = 1;
  std::vector<std::uint8_t> values;
};

/// Larger images are refused before anything is allocated for them.
constexpr std::int64_t kMostPixels = 100'000'000;

/// The size in an image's header. Decodes nothing.
ImageSize image_size(const void* bytes, std::size_t size, const std::string& name);

/// A whole PNG or JPEG file, told apart by its first bytes. PNG: grey of 1 to 8 bits, palette, RGB, each with or
/// without alpha or a transparent colour, interlaced or not. JPEG: grey and colour, sequential and progressive; without
/// `color` colours are read as their luma. `name` stands for the path in errors. Throws InputError for what is broken
/// or truncated, animated, of 16 bits, CMYK, above kMostPixels or another format.
Pixels decode_image(const void* bytes, std::size_t size, const std::string& name, bool color);

// The two formats.
ImageSize png_size(const unsigned char* bytes, std::size_t size, const std::string& name);
Pixels decode_png(const unsigned char* bytes, std::size_t size, const std::string& name);
ImageSize jpeg_size(const unsigned char* bytes, std::size_t size, const std::string& name);
Pixels decode_jpeg(const unsigned char* bytes, std::size_t size, const std::string& name, bool color);

/// Throws InputError if there are too many pixels, or more than the file can hold: the most that a format's compression
/// makes of one byte is `pixels_per_byte`.
void require_plausible_size(const ImageSize& image, double pixels_per_byte, std::size_t size, const std::string& name);

}  // namespace lacuna::data
