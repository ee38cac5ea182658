#include "cli/png_reader.h"

#include <png.h>

#include <stdexcept>

namespace lacuna::test {

report::Image read_png(const std::filesystem::path& path) {
  png_image header{};
  header.version = PNG_IMAGE_VERSION;
  if (png_image_begin_read_from_file(&header, path.c_str()) == 0)
    throw std::runtime_error(path.string() + ": " + header.message);
  const int channels = static_cast<int>(PNG_IMAGE_SAMPLE_CHANNELS(header.format));
  report::Image image(header.width, header.height, channels);
  if (png_image_finish_read(&header, nullptr, image.pixels.data(), 0, nullptr) == 0)
    throw std::runtime_error(path.string() + ": " + header.message);
  return image;
}

}  // namespace lacuna::test
