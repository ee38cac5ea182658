#include "support/image_files.h"

#include <zlib.h>

#include <stdexcept>

#ifdef LACUNA_WITH_JPEG
#include <cstdio>
#include <cstdlib>
// After <cstdio>, whose types it uses.
#include <jpeglib.h>
#endif

namespace lacuna::test {
namespace {

std::string big_endian(std::uint32_t value) {
  return {static_cast<char>(value >> 24), static_cast<char>(value >> 16), static_cast<char>(value >> 8),
          static_cast<char>(value)};
}

std::size_t channels_of(int color_type) {
  return color_type == 2 ? 3 : color_type == 4 ? 2 : color_type == 6 ? 4 : 1;
}

/// One line: filter type 0 and the samples, packed into bytes from the left.
std::string packed_line(const std::string& samples, int depth) {
  std::string line(1, '\0');
  if (depth >= 8) return line + samples;
  int room = 0;
  for (const char sample : samples) {
    if (room == 0) {
      line += '\0';
      room = 8;
    }
    room -= depth;
    line.back() = static_cast<char>(line.back() | (sample << room));
  }
  return line;
}

/// The pixels from (x0, y0) on in steps of (dx, dy).
std::string pass(const PngFile& png, std::uint32_t x0, std::uint32_t y0, std::uint32_t dx, std::uint32_t dy) {
  const std::size_t pixel = channels_of(png.color_type) * (png.depth == 16 ? 2 : 1);
  std::string lines;
  for (std::uint32_t y = y0; y < png.height && x0 < png.width; y += dy) {
    std::string samples;
    for (std::uint32_t x = x0; x < png.width; x += dx)
      samples += png.samples.substr((std::size_t{y} * png.width + x) * pixel, pixel);
    lines += packed_line(samples, png.depth);
  }
  return lines;
}

std::string deflated(const std::string& content) {
  std::string packed(compressBound(content.size()), '\0');
  uLongf size = packed.size();
  if (compress(reinterpret_cast<Bytef*>(packed.data()), &size, reinterpret_cast<const Bytef*>(content.data()),
               content.size()) != Z_OK)
    throw std::runtime_error("zlib cannot compress");
  packed.resize(size);
  return packed;
}

}  // namespace

std::string png_chunk(std::string_view type, std::string_view content) {
  const std::string checked = std::string(type) + std::string(content);
  const auto checksum = crc32(0, reinterpret_cast<const Bytef*>(checked.data()), static_cast<uInt>(checked.size()));
  return big_endian(static_cast<std::uint32_t>(content.size())) + checked +
         big_endian(static_cast<std::uint32_t>(checksum));
}

std::string png_header(const PngFile& png) {
  const std::string end{static_cast<char>(png.depth), static_cast<char>(png.color_type), '\0', '\0',
                        static_cast<char>(png.interlaced)};
  return "\x89PNG\r\n\x1a\n" + png_chunk("IHDR", big_endian(png.width) + big_endian(png.height) + end);
}

std::string png_bytes(const PngFile& png) {
  std::string lines;
  if (!png.interlaced) {
    lines = pass(png, 0, 0, 1, 1);
  } else {
    // Adam7, https://www.w3.org/TR/png/#8Interlace
    constexpr std::uint32_t kPasses[7][4] = {{0, 0, 8, 8}, {4, 0, 8, 8}, {0, 4, 4, 8}, {2, 0, 4, 4},
                                             {0, 2, 2, 4}, {1, 0, 2, 2}, {0, 1, 1, 2}};
    for (const auto& [x0, y0, dx, dy] : kPasses) lines += pass(png, x0, y0, dx, dy);
  }
  return png_header(png) + png.before_image + png_chunk("IDAT", deflated(lines)) + png_chunk("IEND", "");
}

std::string grey_png(std::uint32_t width, std::uint32_t height, const std::string& samples) {
  return png_bytes({.width = width, .height = height, .samples = samples});
}

std::string plain_png(std::uint32_t width, std::uint32_t height, int value) {
  return grey_png(width, height, std::string(std::size_t{width} * height, static_cast<char>(value)));
}

#ifdef LACUNA_WITH_JPEG

std::string jpeg_bytes(std::uint32_t width, std::uint32_t height, int channels, const std::string& values,
                       bool progressive) {
  jpeg_compress_struct info{};
  jpeg_error_mgr errors{};
  info.err = jpeg_std_error(&errors);  // ends the program if it fails
  jpeg_create_compress(&info);
  unsigned char* bytes = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&info, &bytes, &size);
  info.image_width = width;
  info.image_height = height;
  info.input_components = channels;
  info.in_color_space = channels == 1 ? JCS_GRAYSCALE : channels == 3 ? JCS_RGB : JCS_CMYK;
  jpeg_set_defaults(&info);
  jpeg_set_quality(&info, 95, TRUE);
  if (progressive) jpeg_simple_progression(&info);
  // All bits at once, so that a scan may be repeated.
  const jpeg_scan_info grey_scans[] = {{1, {0}, 0, 0, 0, 0}, {1, {0}, 1, 63, 0, 0}};
  if (progressive && channels == 1) {
    info.scan_info = grey_scans;
    info.num_scans = 2;
  }
  jpeg_start_compress(&info, TRUE);
  std::vector<unsigned char> row(std::size_t{width} * static_cast<std::size_t>(channels));
  while (info.next_scanline < height) {
    values.copy(reinterpret_cast<char*>(row.data()), row.size(), info.next_scanline * row.size());
    JSAMPROW line = row.data();
    jpeg_write_scanlines(&info, &line, 1);
  }
  jpeg_finish_compress(&info);
  std::string result(reinterpret_cast<const char*>(bytes), size);
  jpeg_destroy_compress(&info);
  std::free(bytes);
  return result;
}

#endif

}  // namespace lacuna::test
