// make_seeds DIR: a small corpus of valid files for each harness, in DIR/safetensors, DIR/npy, DIR/idx, DIR/gzip,
// DIR/image.
#include <zlib.h>

#include <cstdio>
#include <cstring>
#include <filesystem>
#include <string>
#include <vector>

#include "io/atomic_file.h"
#include "lacuna/error.h"
#include "lacuna/npy.h"
#include "lacuna/safetensors.h"
#include "support/image_files.h"

namespace lacuna {
namespace {

using io::write_text_file;

constexpr double kValues[12] = {0.5, -1, 2, 1e9, 0, 6, 7, 8, 9, 10, 11, 12};

/// Level 0 stores, so that a mutation of the content survives.
std::string gzipped(const std::string& content, int level) {
  z_stream stream{};
  constexpr int kGzipWindow = 15 + 16;
  if (deflateInit2(&stream, level, Z_DEFLATED, kGzipWindow, 8, Z_DEFAULT_STRATEGY) != Z_OK)
    throw Error("zlib cannot be initialised");
  std::string packed(deflateBound(&stream, content.size()), '\0');
  std::vector<unsigned char> input(content.begin(), content.end());
  stream.next_in = input.data();
  stream.avail_in = static_cast<uInt>(input.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  const int status = deflate(&stream, Z_FINISH);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  if (status != Z_STREAM_END) throw Error("zlib cannot compress a seed");
  return packed;
}

void write_safetensors_seeds(const std::string& directory) {
  write_safetensors(directory + "/empty", {});
  write_safetensors(directory + "/types",
                    {{"a", {kValues, DType::u8, {3}}},
                     {"b", {kValues, DType::f32, {2, 3}}},
                     {"c", {kValues, DType::f64, {1, 2}}},
                     {"d", {kValues, DType::i32, {}}},
                     {"f", {kValues, DType::f16, {1, 3}}},
                     {"g", {kValues, DType::bf16, {2}}},
                     {"e", {kValues, DType::i64, {2, 0}}}},
                    {{"rho", "0.1"}, {"sample_shape", "2,3"}});
}

void write_npy_seeds(const std::string& directory) {
  write_npy(directory + "/f32", {kValues, DType::f32, {2, 3}});
  write_npy(directory + "/u8", {kValues, DType::u8, {2, 2, 2}});
  write_npy(directory + "/f16", {kValues, DType::f16, {3, 2}});
  write_npy(directory + "/bf16", {kValues, DType::bf16, {3, 2}});
  write_npy(directory + "/scalar", {kValues, DType::f64, {}});
  const std::string dictionary = "{'descr': '<i4', 'fortran_order': True, 'shape': (2, 3), }\n";
  std::string fortran = std::string("\x93NUMPY\2\0", 8) + static_cast<char>(dictionary.size()) + std::string(3, '\0');
  write_text_file(directory + "/fortran", fortran + dictionary + std::string(24, '\1'));
}

std::string idx_of(char type, const std::vector<char>& extents, const std::string& values) {
  std::string bytes{'\0', '\0', type, static_cast<char>(extents.size())};
  for (char extent : extents) bytes += std::string(3, '\0') + extent;
  return bytes + values;
}

void write_idx_and_gzip_seeds(const std::string& idx, const std::string& gzip) {
  const std::string images = idx_of(8, {3, 2, 2}, "abcdefghijkl");
  const std::string labels = idx_of(8, {3}, std::string("\0\1\2", 3));
  const std::string floats = idx_of(13, {2, 1}, std::string("\x3f\x80\0\0\x40\0\0\0", 8));
  write_text_file(idx + "/images", images);
  write_text_file(idx + "/labels", labels);
  write_text_file(idx + "/floats", floats);
  write_text_file(idx + "/stored", gzipped(images, 0));
  write_text_file(idx + "/packed", gzipped(floats, 9));
  write_text_file(gzip + "/stored", gzipped(images, 0));
  write_text_file(gzip + "/packed", gzipped(std::string(1000, 'a') + images, 9));
  write_text_file(gzip + "/members", gzipped(images, 1) + gzipped(labels, 6));
}

void write_image_seeds(const std::string& directory) {
  using test::png_bytes, test::png_chunk;
  const std::string samples(9 * 7 * 4, '\1');
  const std::string palette = png_chunk("PLTE", "abcdef") + png_chunk("tRNS", "x");
  for (const int color_type : {0, 2, 4, 6})
    write_text_file(directory + "/png-" + std::to_string(color_type),
                    png_bytes({.width = 9, .height = 7, .color_type = color_type, .samples = samples}));
  for (const int depth : {1, 2, 4})
    write_text_file(directory + "/png-bits-" + std::to_string(depth),
                    png_bytes({.width = 9, .height = 7, .depth = depth, .samples = samples, .interlaced = depth == 2}));
  write_text_file(directory + "/png-palette", png_bytes({.width = 9,
                                                         .height = 7,
                                                         .depth = 4,
                                                         .color_type = 3,
                                                         .samples = samples,
                                                         .interlaced = true,
                                                         .before_image = palette}));
  for (const int channels : {1, 3, 4})
    for (const bool progressive : {false, true})
      write_text_file(directory + "/jpeg-" + std::to_string(channels) + (progressive ? "-progressive" : ""),
                      test::jpeg_bytes(9, 7, channels, samples, progressive));
}

}  // namespace
}  // namespace lacuna

int main(int count, char** arguments) {
  if (count != 2) {
    std::fprintf(stderr, "usage: make_seeds DIR\n");
    return 2;
  }
  try {
    const std::string root = arguments[1];
    for (const char* format : {"safetensors", "npy", "idx", "gzip", "image"})
      std::filesystem::create_directories(root + "/" + format);
    lacuna::write_safetensors_seeds(root + "/safetensors");
    lacuna::write_npy_seeds(root + "/npy");
    lacuna::write_idx_and_gzip_seeds(root + "/idx", root + "/gzip");
    lacuna::write_image_seeds(root + "/image");
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
  return 0;
}
