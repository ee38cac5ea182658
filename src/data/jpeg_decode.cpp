#include <fmt/format.h>

#include "data/image_decode.h"
#include "lacuna/error.h"

#ifdef LACUNA_WITH_JPEG

#include <csetjmp>
#include <cstdio>
#include <cstring>
// After <cstdio>, whose types they use.
#include <jerror.h>
#include <jpeglib.h>

namespace lacuna::data {
namespace {

/// More of them make no better image, but each pass over all of it takes time.
constexpr int kMostScans = 200;

/// What is wrong with the file, but with none of its pixels.
bool is_harmless(int warning) {
  return warning == JWRN_EXTRANEOUS_DATA || warning == JWRN_ADOBE_XFORM || warning == JWRN_JFIF_MAJOR ||
         warning == JWRN_BOGUS_ICC;
}

/// libjpeg leaves a function by longjmp when it fails: so those that call it hold nothing that must be destroyed.
class Reader {
 public:
  Reader(const unsigned char* bytes, std::size_t size) : bytes_(bytes), size_(size) {
    info_.err = jpeg_std_error(&errors_);
    info_.client_data = this;
    errors_.error_exit = on_error;
    errors_.emit_message = on_message;
    progress_.progress_monitor = on_progress;
  }
  ~Reader() { jpeg_destroy_decompress(&info_); }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  /// False: message() says why.
  bool begin() {
    if (setjmp(jump_) != 0) return false;
    jpeg_create_decompress(&info_);
    info_.progress = &progress_;
    jpeg_mem_src(&info_, bytes_, static_cast<unsigned long>(size_));
    jpeg_read_header(&info_, TRUE);
    return true;
  }

  bool read(int channels, unsigned char* out) {
    if (setjmp(jump_) != 0) return false;
    info_.out_color_space = channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
    jpeg_start_decompress(&info_);
    const std::size_t row_bytes = std::size_t{info_.output_width} * static_cast<std::size_t>(channels);
    while (info_.output_scanline < info_.output_height) {
      JSAMPROW row = out + info_.output_scanline * row_bytes;
      jpeg_read_scanlines(&info_, &row, 1);
    }
    jpeg_finish_decompress(&info_);
    return true;
  }

  const jpeg_decompress_struct& info() const { return info_; }
  const char* message() const { return message_; }

 private:
  static Reader& reader_of(j_common_ptr common) { return *static_cast<Reader*>(common->client_data); }
  static void on_error(j_common_ptr common) {
    Reader& reader = reader_of(common);
    common->err->format_message(common, reader.message_);
    std::longjmp(reader.jump_, 1);
  }
  static void on_message(j_common_ptr common, int level) {
    if (level < 0 && !is_harmless(common->err->msg_code)) on_error(common);
  }
  static void on_progress(j_common_ptr common) {
    if (reinterpret_cast<j_decompress_ptr>(common)->input_scan_number <= kMostScans) return;
    Reader& reader = reader_of(common);
    std::strcpy(reader.message_, "too many scans");
    std::longjmp(reader.jump_, 1);
  }

  const unsigned char* bytes_;
  std::size_t size_;
  jpeg_decompress_struct info_{};
  jpeg_error_mgr errors_{};
  jpeg_progress_mgr progress_{};
  std::jmp_buf jump_{};
  char message_[JMSG_LENGTH_MAX] = {};
};

[[noreturn]] void fail(const Reader& reader, const std::string& name) {
  throw InputError(fmt::format("{}: broken JPEG: {}", name, reader.message()));
}

/// What is refused before anything is allocated for the pixels.
ImageSize read_header(Reader& reader, std::size_t size, const std::string& name) {
  if (!reader.begin()) fail(reader, name);
  const jpeg_decompress_struct& info = reader.info();
  if (info.jpeg_color_space == JCS_CMYK || info.jpeg_color_space == JCS_YCCK)
    throw InputError(fmt::format("{}: a CMYK JPEG; only grey and RGB are read, convert it", name));
  if (info.data_precision != 8)
    throw InputError(
        fmt::format("{}: a JPEG of {} bits per channel; only 8 bits are read, convert it", name, info.data_precision));
  // A block of 64 pixels takes two bits at least, or in a progressive file one; of subsampled colours a little less.
  constexpr double kMostPixelsPerByte = 1024;
  const ImageSize image{info.image_width, info.image_height};
  require_plausible_size(image, kMostPixelsPerByte, size, name);
  return image;
}

}  // namespace

ImageSize jpeg_size(const unsigned char* bytes, std::size_t size, const std::string& name) {
  Reader reader(bytes, size);
  return read_header(reader, size, name);
}

Pixels decode_jpeg(const unsigned char* bytes, std::size_t size, const std::string& name, bool color) {
  Reader reader(bytes, size);
  Pixels pixels;
  pixels.size = read_header(reader, size, name);
  pixels.channels = color && reader.info().num_components > 1 ? 3 : 1;
  pixels.values.resize(static_cast<std::size_t>(pixels.size.width * pixels.size.height * pixels.channels));
  if (!reader.read(pixels.channels, pixels.values.data())) fail(reader, name);
  return pixels;
}

}  // namespace lacuna::data

#else

namespace lacuna::data {

ImageSize jpeg_size(const unsigned char*, std::size_t, const std::string& name) {
  throw InputError(
      fmt::format("{}: this build cannot read JPEG: configure with -DLACUNA_WITH_JPEG=ON (needs libjpeg-turbo), or "
                  "convert the images to PNG",
                  name));
}

Pixels decode_jpeg(const unsigned char* bytes, std::size_t size, const std::string& name, bool) {
  jpeg_size(bytes, size, name);
  return {};
}

}  // namespace lacuna::data

#endif
