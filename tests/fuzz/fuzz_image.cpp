#include <zlib.h>

#include <cstring>
#include <vector>

#include "data/image_decode.h"
#include "data/resample.h"
#include "fuzz.h"

namespace {

std::uint32_t big_endian(const std::uint8_t* bytes) {
  return std::uint32_t{bytes[0]} << 24 | std::uint32_t{bytes[1]} << 16 | std::uint32_t{bytes[2]} << 8 | bytes[3];
}

/// A PNG's chunks with right checksums, which mutations break: else they would never get past the first chunk.
std::vector<std::uint8_t> with_right_checksums(const std::uint8_t* bytes, std::size_t size) {
  std::vector<std::uint8_t> repaired(bytes, bytes + size);
  std::size_t at = 8;
  while (at + 12 <= size) {
    const std::size_t length = big_endian(bytes + at);
    if (length > size - at - 12) break;
    const uLong checksum = crc32(0, bytes + at + 4, static_cast<uInt>(length + 4));
    for (std::size_t i = 0; i < 4; ++i)
      repaired[at + 8 + length + i] = static_cast<std::uint8_t>(checksum >> (24 - 8 * i));
    at += 12 + length;
  }
  return repaired;
}

void decode(const std::vector<std::uint8_t>& file, bool color) {
  lacuna::fuzz::check([&] {
    const auto pixels = lacuna::data::decode_image(file.data(), file.size(), "input", color);
    if (pixels.size != lacuna::data::image_size(file.data(), file.size(), "input")) std::abort();
    const auto planes = lacuna::data::to_planes(pixels, color);
    std::uint8_t small[5 * 3];
    lacuna::data::resize_plane(planes.data(), pixels.size, small, {5, 3});
    lacuna::fuzz::touch({small, lacuna::DType::u8, {3, 5}});
  });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const bool color = size % 2 == 0;
  decode({bytes, bytes + size}, color);
  if (size > 8 && std::memcmp(bytes, "\x89PNG", 4) == 0) decode(with_right_checksums(bytes, size), color);
  return 0;
}
