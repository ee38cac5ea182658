#include "data/image_decode.h"

#include <fmt/format.h>

#include <string_view>

#include "lacuna/error.h"

namespace lacuna::data {
namespace {

using namespace std::string_view_literals;

constexpr std::string_view kPng = "\x89PNG\r\n\x1a\n"sv;
constexpr std::string_view kJpeg = "\xff\xd8\xff"sv;

struct OtherFormat {
  std::string_view start;
  const char* name;
};
constexpr OtherFormat kOthers[] = {
    {"GIF8"sv, "GIF"}, {"BM"sv, "BMP"}, {"RIFF"sv, "WebP"}, {"II*\0"sv, "TIFF"}, {"MM\0*"sv, "TIFF"},
};

[[noreturn]] void fail_unknown(std::string_view content, const std::string& name) {
  for (const OtherFormat& other : kOthers)
    if (content.starts_with(other.start))
      throw InputError(fmt::format("{}: this looks like {}; only PNG and JPEG are read, convert it", name, other.name));
  throw InputError(fmt::format("{}: neither a PNG nor a JPEG image by its first bytes", name));
}

/// Calls one of the two with the bytes.
template <class Png, class Jpeg>
auto by_format(const void* bytes, std::size_t size, const std::string& name, Png&& png, Jpeg&& jpeg) {
  const std::string_view content(static_cast<const char*>(bytes), size);
  const auto* from = static_cast<const unsigned char*>(bytes);
  if (content.starts_with(kPng)) return png(from);
  if (content.starts_with(kJpeg)) return jpeg(from);
  fail_unknown(content, name);
}

}  // namespace

ImageSize image_size(const void* bytes, std::size_t size, const std::string& name) {
  return by_format(
      bytes, size, name, [&](const unsigned char* from) { return png_size(from, size, name); },
      [&](const unsigned char* from) { return jpeg_size(from, size, name); });
}

Pixels decode_image(const void* bytes, std::size_t size, const std::string& name, bool color) {
  return by_format(
      bytes, size, name, [&](const unsigned char* from) { return decode_png(from, size, name); },
      [&](const unsigned char* from) { return decode_jpeg(from, size, name, color); });
}

void require_plausible_size(const ImageSize& image, double pixels_per_byte, std::size_t size, const std::string& name) {
  const double pixels = static_cast<double>(image.width) * static_cast<double>(image.height);
  if (pixels > static_cast<double>(kMostPixels))
    throw InputError(fmt::format("{}: {} x {} pixels; images of up to {} megapixels are read", name, image.width,
                                 image.height, kMostPixels / 1'000'000));
  if (pixels > pixels_per_byte * static_cast<double>(size))
    throw InputError(fmt::format("{}: truncated or broken: {} bytes cannot hold {} x {} pixels", name, size,
                                 image.width, image.height));
}

}  // namespace lacuna::data
