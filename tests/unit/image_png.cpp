#include <gmock/gmock.h>

#include <cstring>

#include "data/image_decode.h"
#include "data/resample.h"
#include "data_support.h"
#include "support/image_files.h"

namespace lacuna::data {
namespace {

using test::counting;
using test::input_error;
using test::png_bytes;
using test::png_chunk;
using test::png_header;
using test::PngFile;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

Pixels decode(const std::string& bytes) {
  return decode_image(bytes.data(), bytes.size(), "f.png", true);
}

std::string error_of(const std::string& bytes) {
  return input_error([&] { decode(bytes); });
}

std::vector<std::uint8_t> bytes_of(const std::string& text) {
  return {text.begin(), text.end()};
}

std::string some_samples(std::size_t count, unsigned below) {
  std::string samples(count, '\0');
  unsigned state = 7;
  for (char& sample : samples) sample = static_cast<char>((state = state * 1103515245u + 12345u) / 65536u % below);
  return samples;
}

TEST(Png, GreyOfEveryDepthIsScaledToBytes) {
  for (const int depth : {1, 2, 4, 8}) {
    const unsigned most = (1u << depth) - 1;
    const std::string samples = some_samples(11 * 5, most + 1);
    const Pixels pixels = decode(png_bytes({.width = 11, .height = 5, .depth = depth, .samples = samples}));
    EXPECT_EQ(pixels.size, (ImageSize{11, 5}));
    ASSERT_EQ(pixels.channels, 1);
    for (std::size_t i = 0; i < samples.size(); ++i)
      ASSERT_EQ(pixels.values[i], static_cast<unsigned char>(samples[i]) * (255 / most)) << depth << " " << i;
  }
}

TEST(Png, ColoursAndAlphaAreKept) {
  for (const auto& [color_type, channels] : {std::pair(2, 3), std::pair(4, 2), std::pair(6, 4)}) {
    const std::string samples = some_samples(static_cast<std::size_t>(7 * 3 * channels), 256);
    const Pixels pixels = decode(png_bytes({.width = 7, .height = 3, .color_type = color_type, .samples = samples}));
    EXPECT_EQ(pixels.channels, channels);
    EXPECT_EQ(pixels.values, bytes_of(samples));
  }
}

TEST(Png, PalettesAndTransparentColours) {
  const std::string palette = png_chunk("PLTE", "\x0a\x14\x1e\x28\x32\x3c\x46\x50\x5a");
  const std::string indices("\2\0\1\1", 4);
  for (const int depth : {2, 4, 8}) {
    const PngFile png{
        .width = 2, .height = 2, .depth = depth, .color_type = 3, .samples = indices, .before_image = palette};
    const Pixels pixels = decode(png_bytes(png));
    EXPECT_EQ(pixels.channels, 3);
    EXPECT_THAT(pixels.values, ElementsAre(70, 80, 90, 10, 20, 30, 40, 50, 60, 40, 50, 60));
    PngFile transparent = png;
    transparent.before_image += png_chunk("tRNS", std::string("\xff\0", 2));
    const Pixels with_alpha = decode(png_bytes(transparent));
    EXPECT_EQ(with_alpha.channels, 4);
    EXPECT_THAT(to_planes(with_alpha, true), ElementsAre(70, 10, 0, 0, 80, 20, 0, 0, 90, 30, 0, 0));
  }
  const Pixels grey = decode(png_bytes(
      {.width = 2, .height = 1, .samples = "\x07\x09", .before_image = png_chunk("tRNS", std::string("\0\x09", 2))}));
  EXPECT_THAT(to_planes(grey, false), ElementsAre(7, 0));
}

TEST(Png, InterlacedImagesAreTheSame) {
  for (const auto& [width, height] : {std::pair(1u, 1u), std::pair(5u, 3u), std::pair(9u, 17u), std::pair(16u, 8u)})
    for (const auto& [depth, color_type] : {std::pair(8, 0), std::pair(2, 0), std::pair(8, 2), std::pair(8, 6)}) {
      PngFile png{.width = width, .height = height, .depth = depth, .color_type = color_type};
      png.samples = some_samples(std::size_t{4} * width * height, 1u << depth);
      const Pixels plain = decode(png_bytes(png));
      png.interlaced = true;
      EXPECT_EQ(decode(png_bytes(png)).values, plain.values) << width << " x " << height;
    }
}

TEST(Png, WhatFollowsTheImageAndUnusedChunksDoNotMatter) {
  const PngFile png{.width = 3,
                    .height = 1,
                    .samples = "abc",
                    .before_image = png_chunk("gAMA", std::string("\0\0\x10\0", 4)) + png_chunk("teSt", "whatever")};
  EXPECT_EQ(decode(png_bytes(png) + "trailing").values, bytes_of("abc"));
}

TEST(Png, EveryTruncationAndEveryChangedByteIsNoticed) {
  const std::string good = png_bytes({.width = 6,
                                      .height = 4,
                                      .color_type = 2,
                                      .samples = some_samples(72, 256),
                                      .before_image = png_chunk("tEXt", std::string("a\0b", 3))});
  decode(good);
  for (std::size_t size = 0; size < good.size(); ++size)
    EXPECT_THAT(error_of(good.substr(0, size)), HasSubstr("f.png")) << size;
  for (std::size_t at = 0; at < good.size(); ++at) {
    std::string changed = good;
    changed[at] ^= 0x10;
    EXPECT_THAT(error_of(changed), HasSubstr("f.png")) << at;
  }
  std::string bad_checksum = good;
  bad_checksum[bad_checksum.size() - 13] ^= 1;  // before IEND, of 12 bytes
  EXPECT_THAT(error_of(bad_checksum), AllOf(HasSubstr("broken PNG"), HasSubstr("CRC")));
}

TEST(Png, RefusesWhatItDoesNotRead) {
  EXPECT_THAT(error_of(png_bytes({.width = 2, .height = 1, .depth = 16, .samples = "abcd"})),
              HasSubstr("16 bits per channel"));
  const auto animated = [](const std::string& frames) {
    return png_bytes({.width = 1, .height = 1, .samples = "a", .before_image = png_chunk("acTL", frames)});
  };
  EXPECT_THAT(error_of(animated(std::string("\0\0\0\2\0\0\0\0", 8))), HasSubstr("animated"));
  EXPECT_EQ(decode(animated(std::string("\0\0\0\1\0\0\0\0", 8))).values, bytes_of("a"));
  EXPECT_THAT(error_of(png_header({.width = 0, .height = 4})), HasSubstr("0 x 4"));
}

TEST(Png, NothingIsAllocatedForSizesThatAreNotThere) {
  const auto claiming = [](std::uint32_t width, std::uint32_t height) {
    return error_of(png_header({.width = width, .height = height}) + png_chunk("IDAT", "") + png_chunk("IEND", ""));
  };
  EXPECT_THAT(claiming(100'000, 100'000), AllOf(HasSubstr("100000 x 100000"), HasSubstr("100 megapixels")));
  EXPECT_THAT(claiming(0xffffffff, 0xffffffff), HasSubstr("megapixels"));
  EXPECT_THAT(claiming(9'000, 9'000), HasSubstr("cannot hold 9000 x 9000"));
  EXPECT_THAT(claiming(20, 20), HasSubstr("broken PNG"));
}

TEST(Image, OtherFormatsAreNamed) {
  EXPECT_THAT(error_of("GIF89a..."), HasSubstr("looks like GIF"));
  EXPECT_THAT(error_of("BM......."), HasSubstr("looks like BMP"));
  EXPECT_THAT(error_of("RIFF....WEBP"), HasSubstr("looks like WebP"));
  EXPECT_THAT(error_of(std::string("II*\0....", 8)), HasSubstr("looks like TIFF"));
  EXPECT_THAT(error_of("hello"), HasSubstr("neither a PNG nor a JPEG"));
  EXPECT_THAT(error_of(""), HasSubstr("neither a PNG nor a JPEG"));
}

#ifndef LACUNA_WITH_JPEG
TEST(Image, ABuildWithoutJpegSaysSo) {
  EXPECT_THAT(error_of("\xff\xd8\xff\xe0...."), HasSubstr("LACUNA_WITH_JPEG"));
}
#endif

}  // namespace
}  // namespace lacuna::data
