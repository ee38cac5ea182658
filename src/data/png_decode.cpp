#include <fmt/format.h>
#include <png.h>

#include <algorithm>
#include <array>
#include <csetjmp>
#include <cstring>
#include <string_view>

#include "data/image_decode.h"
#include "lacuna/error.h"

namespace lacuna::data {
namespace {

struct Header {
  ImageSize size;
  int bits_per_pixel = 0;
};

std::uint32_t big_endian(const unsigned char* bytes) {
  return std::uint32_t{bytes[0]} << 24 | std::uint32_t{bytes[1]} << 16 | std::uint32_t{bytes[2]} << 8 | bytes[3];
}

/// How many frames an animated PNG announces before its first image; 0: it is not animated.
std::uint32_t animation_frames(const unsigned char* bytes, std::size_t size) {
  std::size_t at = 8;  // the signature
  while (size - at >= 12) {
    const std::size_t length = big_endian(bytes + at);
    const std::string_view type(reinterpret_cast<const char*>(bytes + at + 4), 4);
    if (type == "IDAT" || length > size - at - 12) return 0;
    if (type == "acTL" && length >= 4) return big_endian(bytes + at + 8);
    at += 12 + length;
  }
  return 0;
}

/// What libpng need not be asked for, and refused before it allocates anything.
Header read_header(const unsigned char* bytes, std::size_t size, const std::string& name) {
  constexpr std::size_t kHeaderEnd = 33;
  if (size < kHeaderEnd || std::memcmp(bytes + 8, "\0\0\0\x0dIHDR", 8) != 0)
    throw InputError(fmt::format("{}: broken PNG: it does not begin with a whole header", name));
  const int depth = bytes[24], color_type = bytes[25];
  if (depth == 16)
    throw InputError(fmt::format("{}: a PNG of 16 bits per channel; only 8 bits are read, convert it", name));
  if (animation_frames(bytes, size) > 1)
    throw InputError(fmt::format("{}: an animated PNG; a sample is one image, save its frames one by one", name));
  Header header;
  header.size = {big_endian(bytes + 16), big_endian(bytes + 20)};
  if (header.size.width == 0 || header.size.height == 0)
    throw InputError(
        fmt::format("{}: broken PNG: an image of {} x {} pixels", name, header.size.width, header.size.height));
  const bool palette = (color_type & PNG_COLOR_MASK_PALETTE) != 0;
  const int channels = (palette || (color_type & PNG_COLOR_MASK_COLOR) == 0 ? 1 : 3) +
                       ((color_type & PNG_COLOR_MASK_ALPHA) != 0 ? 1 : 0);
  header.bits_per_pixel = std::max(1, depth) * channels;
  constexpr double kMostOfDeflate = 1032;
  require_plausible_size(header.size, 8 * kMostOfDeflate / header.bits_per_pixel, size, name);
  return header;
}

/// libpng leaves a function by longjmp when it fails: so those that call it hold nothing that must be destroyed.
class Reader {
 public:
  Reader(const unsigned char* bytes, std::size_t size) : next_(bytes), left_(size) {}
  ~Reader() { png_destroy_read_struct(&png_, &info_, nullptr); }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  /// False: message() says why.
  bool begin() {
    png_ = png_create_read_struct(PNG_LIBPNG_VER_STRING, this, on_error, [](png_structp, png_const_charp) {});
    if (png_ != nullptr) info_ = png_create_info_struct(png_);
    if (info_ == nullptr) return false;
    if (setjmp(png_jmpbuf(png_)) != 0) return false;
    png_set_read_fn(png_, this, on_read);
    png_set_crc_action(png_, PNG_CRC_ERROR_QUIT, PNG_CRC_ERROR_QUIT);
    // Colour profiles, texts and the like are nothing to us.
    png_set_keep_unknown_chunks(png_, PNG_HANDLE_CHUNK_NEVER, nullptr, -1);
    png_read_info(png_, info_);
    png_set_expand(png_);  // palettes, 1, 2 and 4 bits, transparent colours
    png_set_interlace_handling(png_);
    png_read_update_info(png_, info_);
    return true;
  }

  bool read(png_bytep* rows) {
    if (setjmp(png_jmpbuf(png_)) != 0) return false;
    png_read_image(png_, rows);
    png_read_end(png_, nullptr);
    return true;
  }

  int channels() const { return png_get_channels(png_, info_); }
  std::size_t row_bytes() const { return png_get_rowbytes(png_, info_); }
  const char* message() const { return message_.data(); }

 private:
  static void on_error(png_structp png, png_const_charp message) {
    auto& text = static_cast<Reader*>(png_get_error_ptr(png))->message_;
    std::strncpy(text.data(), message, text.size() - 1);
    png_longjmp(png, 1);
  }
  static void on_read(png_structp png, png_bytep out, std::size_t count) {
    auto& self = *static_cast<Reader*>(png_get_io_ptr(png));
    if (count > self.left_) png_error(png, "the file is truncated");
    std::memcpy(out, self.next_, count);
    self.next_ += count;
    self.left_ -= count;
  }

  const unsigned char* next_;
  std::size_t left_;
  png_structp png_ = nullptr;
  png_infop info_ = nullptr;
  std::array<char, 200> message_{"libpng cannot be initialised"};
};

}  // namespace

ImageSize png_size(const unsigned char* bytes, std::size_t size, const std::string& name) {
  return read_header(bytes, size, name).size;
}

Pixels decode_png(const unsigned char* bytes, std::size_t size, const std::string& name) {
  Pixels pixels;
  pixels.size = png_size(bytes, size, name);
  Reader reader(bytes, size);
  const auto fail = [&] { throw InputError(fmt::format("{}: broken PNG: {}", name, reader.message())); };
  if (!reader.begin()) fail();
  pixels.channels = reader.channels();
  const auto row_bytes = reader.row_bytes();
  LACUNA_EXPECTS(row_bytes == static_cast<std::size_t>(pixels.size.width * pixels.channels), "rows of 8-bit pixels");
  pixels.values.resize(row_bytes * static_cast<std::size_t>(pixels.size.height));
  std::vector<png_bytep> rows;
  for (std::size_t y = 0; y < static_cast<std::size_t>(pixels.size.height); ++y)
    rows.push_back(pixels.values.data() + y * row_bytes);
  if (!reader.read(rows.data())) fail();
  return pixels;
}

}  // namespace lacuna::data
