#include "report/png.h"

#include <fmt/format.h>
#include <png.h>

#include "io/atomic_file.h"
#include "lacuna/error.h"

namespace lacuna::report {

namespace {

std::vector<std::uint8_t> encode_png(const Image& image, const std::string& path) {
  png_image header{};
  header.version = PNG_IMAGE_VERSION;
  header.width = static_cast<png_uint_32>(image.width);
  header.height = static_cast<png_uint_32>(image.height);
  header.format = image.channels == 3 ? PNG_FORMAT_RGB : PNG_FORMAT_GRAY;
  std::vector<std::uint8_t> bytes(PNG_IMAGE_PNG_SIZE_MAX(header));
  png_alloc_size_t size = bytes.size();
  if (png_image_write_to_memory(&header, bytes.data(), &size, 0, image.pixels.data(), 0, nullptr) == 0)
    throw Error(fmt::format("{}: cannot encode a picture of {} x {} pixels: {}", path, image.width, image.height,
                            header.message));
  bytes.resize(size);
  return bytes;
}

}  // namespace

void write_png(const std::string& path, const Image& image) {
  const std::vector<std::uint8_t> bytes = encode_png(image, path);
  io::AtomicFile file(path);
  file.write(bytes.data(), bytes.size());
  file.commit();
}

std::optional<PngSize> png_size(std::string_view bytes) {
  constexpr std::int64_t kMostPixels = 100'000'000;
  png_image header{};
  header.version = PNG_IMAGE_VERSION;
  if (png_image_begin_read_from_memory(&header, bytes.data(), bytes.size()) == 0) return std::nullopt;
  const PngSize size{header.width, header.height};
  header.format = PNG_FORMAT_RGBA;
  if (size.width * size.height > kMostPixels) {
    png_image_free(&header);
    return std::nullopt;
  }
  std::vector<std::uint8_t> pixels(PNG_IMAGE_SIZE(header));
  if (png_image_finish_read(&header, nullptr, pixels.data(), 0, nullptr) == 0) return std::nullopt;
  return size;
}

}  // namespace lacuna::report
