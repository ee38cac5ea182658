#include <gmock/gmock.h>

#include <cmath>
#include <cstdlib>

#include "data/image_decode.h"
#include "data_support.h"
#include "support/image_files.h"

namespace lacuna::data {
namespace {

using test::input_error;
using test::jpeg_bytes;
using ::testing::AllOf;
using ::testing::Each;
using ::testing::HasSubstr;

Pixels decode(const std::string& bytes, bool color = true) {
  return decode_image(bytes.data(), bytes.size(), "f.jpg", color);
}

std::string error_of(const std::string& bytes) {
  return input_error([&] { decode(bytes); });
}

/// A slow slope in each channel, which compression hardly changes.
std::string slopes(int width, int height, int channels) {
  std::string values;
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x)
      for (int c = 0; c < channels; ++c) values += static_cast<char>(40 * (c + 1) + x + 2 * y);
  return values;
}

void expect_near(const Pixels& pixels, const std::string& expected) {
  ASSERT_EQ(pixels.values.size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i)
    ASSERT_NEAR(pixels.values[i], static_cast<unsigned char>(expected[i]), 4) << i;
}

TEST(Jpeg, GreyAndColour) {
  const std::string grey = slopes(21, 13, 1), rgb = slopes(21, 13, 3);
  for (const bool progressive : {false, true}) {
    const Pixels one = decode(jpeg_bytes(21, 13, 1, grey, progressive));
    EXPECT_EQ(one.size, (ImageSize{21, 13}));
    EXPECT_EQ(one.channels, 1);
    expect_near(one, grey);
    const Pixels three = decode(jpeg_bytes(21, 13, 3, rgb, progressive));
    EXPECT_EQ(three.channels, 3);
    expect_near(three, rgb);
  }
}

TEST(Jpeg, WithoutColourItIsTheLuma) {
  const std::string rgb = slopes(16, 16, 3);
  std::string luma;
  for (std::size_t i = 0; i < rgb.size(); i += 3) {
    const auto at = [&](std::size_t c) { return static_cast<double>(static_cast<unsigned char>(rgb[i + c])); };
    luma += static_cast<char>(std::lround(0.299 * at(0) + 0.587 * at(1) + 0.114 * at(2)));
  }
  const Pixels pixels = decode(jpeg_bytes(16, 16, 3, rgb), false);
  EXPECT_EQ(pixels.channels, 1);
  expect_near(pixels, luma);
}

TEST(Jpeg, AConstantIsExact) {
  EXPECT_THAT(decode(jpeg_bytes(9, 9, 1, std::string(81, '\x80'))).values, Each(0x80));
}

TEST(Jpeg, EveryTruncationIsNoticed) {
  for (const bool progressive : {false, true}) {
    const std::string good = jpeg_bytes(24, 24, 3, slopes(24, 24, 3), progressive);
    decode(good + "trailing");
    for (std::size_t size = 0; size < good.size(); ++size)
      EXPECT_THAT(error_of(good.substr(0, size)), HasSubstr("f.jpg")) << size;
    EXPECT_THAT(error_of(good.substr(0, good.size() - 2)), AllOf(HasSubstr("broken JPEG"), HasSubstr("Premature end")));
  }
}

TEST(Jpeg, RefusesWhatItDoesNotRead) {
  EXPECT_THAT(error_of(jpeg_bytes(8, 8, 4, std::string(256, 'a'))), HasSubstr("CMYK"));
  std::string deeper = jpeg_bytes(8, 8, 1, std::string(64, 'a'));
  const std::size_t frame = deeper.find("\xff\xc0");
  ASSERT_NE(frame, std::string::npos);
  deeper[frame + 4] = 12;
  EXPECT_THAT(error_of(deeper), AllOf(HasSubstr("f.jpg"), HasSubstr("12")));
}

TEST(Jpeg, NothingIsAllocatedForSizesThatAreNotThere) {
  const std::string good = jpeg_bytes(8, 8, 1, std::string(64, 'a'));
  const std::size_t size = good.find("\xff\xc0") + 5;
  const auto claiming = [&](const char* extents) {
    std::string bytes = good;
    bytes.replace(size, 4, extents, 4);
    return error_of(bytes);
  };
  EXPECT_THAT(claiming("\x7f\xff\x7f\xff"), AllOf(HasSubstr("32767 x 32767"), HasSubstr("100 megapixels")));
  EXPECT_THAT(claiming("\x20\x00\x20\x00"), HasSubstr("cannot hold 8192 x 8192"));
}

TEST(Jpeg, TooManyScansAreRefused) {
  const std::string good = jpeg_bytes(8, 8, 1, std::string(64, 'a'), true);
  // The last scan again and again.
  const std::size_t last = good.rfind("\xff\xda");
  const std::string scan = good.substr(last, good.size() - 2 - last);
  std::string bytes = good.substr(0, last);
  for (int i = 0; i < 300; ++i) bytes += scan;
  EXPECT_THAT(error_of(bytes + good.substr(good.size() - 2)), HasSubstr("too many scans"));
}

}  // namespace
}  // namespace lacuna::data
