#include "report/mosaic.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "cli/cli_test.h"
#include "cli/png_reader.h"
#include "report/png.h"

namespace lacuna::test {

namespace {

using report::Image;
using report::image_tile;
using report::mosaic;
using report::MosaicOptions;
using report::tile_shape;
using report::TileScaling;
using report::TileShape;

MosaicOptions small(TileScaling scaling) {
  MosaicOptions options;
  options.wanted_width = 1;
  options.scaling = scaling;
  return options;
}

TEST(Mosaic, NormalisesEachTileByItself) {
  // The second tile is the first one times ten, plus one: the same picture.
  const std::vector<float> weights{-2, 0, 0, 2, -19, 1, 1, 21};
  const Image image = mosaic(weights.data(), 2, TileShape{2, 2}, small(TileScaling::centred));
  ASSERT_EQ(image.width, 7);
  ASSERT_EQ(image.height, 4);
  const std::vector<std::uint8_t> wanted{
      0, 0,   0,   0, 0,   0,   0,  //
      0, 0,   128, 0, 0,   128, 0,  //
      0, 128, 255, 0, 128, 255, 0,  //
      0, 0,   0,   0, 0,   0,   0,
  };
  EXPECT_EQ(image.pixels, wanted);
}

TEST(Mosaic, WeightsThatAreAllAlikeOrNotNumbersAreGrey) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const std::vector<float> weights{3, 3, nan, 1};
  const Image image = mosaic(weights.data(), 2, TileShape{1, 2}, small(TileScaling::centred));
  EXPECT_EQ(*image.at(1, 1), 128);
  EXPECT_EQ(*image.at(2, 1), 128);
  EXPECT_EQ(*image.at(4, 1), 128);
  EXPECT_EQ(*image.at(5, 1), 128);
}

TEST(Mosaic, BrightnessIsClipped) {
  const std::vector<float> values{-1, 0, 0.5f, 1, 2};
  const Image image = mosaic(values.data(), 1, TileShape{1, 5}, small(TileScaling::unit));
  const std::vector<int> wanted{0, 0, 128, 255, 255};
  for (int i = 0; i < 5; ++i) EXPECT_EQ(*image.at(1 + i, 1), wanted[static_cast<std::size_t>(i)]);
}

TEST(Mosaic, SmallPicturesAreEnlargedAtLeastTwice) {
  const std::vector<float> values(100, 0.5f);
  MosaicOptions options;
  options.scaling = TileScaling::unit;
  options.wanted_width = 17;  // 16 pixels as they are
  const Image image = mosaic(values.data(), 25, TileShape{2, 2}, options);
  EXPECT_EQ(image.width, 2 * 16);
  options.wanted_width = 33;
  EXPECT_EQ(mosaic(values.data(), 25, TileShape{2, 2}, options).width, 3 * 16);
  options.wanted_width = 16;
  EXPECT_EQ(mosaic(values.data(), 25, TileShape{2, 2}, options).width, 16);
}

TEST(Mosaic, ColumnsAndTheLastLine) {
  const std::vector<float> values(7 * 4, 1.0f);
  MosaicOptions options = small(TileScaling::unit);
  options.columns = 3;
  const Image image = mosaic(values.data(), 7, TileShape{2, 2}, options);
  EXPECT_EQ(image.width, 1 + 3 * 3);
  EXPECT_EQ(image.height, 1 + 3 * 3);
  EXPECT_EQ(*image.at(1, 7), 255);
  EXPECT_EQ(*image.at(4, 7), 64);
}

TEST(Mosaic, ColoursInterleavedAndPlanar) {
  // A red, a green, a blue and a white pixel.
  const std::vector<float> interleaved{1, 0, 0, 0, 1, 0, 0, 0, 1, 1, 1, 1};
  const std::vector<float> planar{1, 0, 0, 1, 0, 1, 0, 1, 0, 0, 1, 1};
  const Image a = mosaic(interleaved.data(), 1, *tile_shape({2, 2, 3}, 12), small(TileScaling::unit));
  const Image b = mosaic(planar.data(), 1, *tile_shape({3, 2, 2}, 12), small(TileScaling::unit));
  ASSERT_EQ(a.channels, 3);
  EXPECT_EQ(a.pixels, b.pixels);
  EXPECT_EQ(std::vector<int>(a.at(2, 1), a.at(2, 1) + 3), (std::vector<int>{0, 255, 0}));
  EXPECT_EQ(std::vector<int>(a.at(1, 2), a.at(1, 2) + 3), (std::vector<int>{0, 0, 255}));
}

TEST(Mosaic, WhatIsAPicture) {
  EXPECT_EQ(tile_shape({20, 30}, 600)->height, 20);
  EXPECT_EQ(tile_shape({1, 20, 30}, 600)->width, 30);
  EXPECT_EQ(tile_shape({20, 30, 1}, 600)->width, 30);
  EXPECT_EQ(tile_shape({20, 30, 3}, 1800)->channels, 3);
  EXPECT_EQ(tile_shape({784}, 784)->height, 28);
  EXPECT_EQ(tile_shape({}, 784)->height, 28);
  EXPECT_FALSE(tile_shape({768}, 768));
  EXPECT_FALSE(tile_shape({2, 5, 7}, 70));
  EXPECT_FALSE(tile_shape({}, 1));
  EXPECT_EQ(image_tile({20, 30})->height, 20);
  EXPECT_EQ(image_tile({3, 20, 30})->channels, 3);
  EXPECT_FALSE(image_tile({784})) << "where nobody asks for a picture, a vector is a vector";
  EXPECT_FALSE(image_tile({}));
}

TEST(Png, ComesBackAsItWent) {
  const TemporaryDirectory directory;
  for (const int channels : {1, 3}) {
    Image image(5, 3, channels);
    for (std::size_t i = 0; i < image.pixels.size(); ++i) image.pixels[i] = static_cast<std::uint8_t>(7 * i);
    const std::string path = directory.path() / "a.png";
    report::write_png(path, image);
    const Image back = read_png(path);
    EXPECT_EQ(back.width, 5);
    EXPECT_EQ(back.height, 3);
    EXPECT_EQ(back.channels, channels);
    EXPECT_EQ(back.pixels, image.pixels);
  }
  EXPECT_EQ(files_below(directory.path()).size(), 1u);
}

}  // namespace

}  // namespace lacuna::test
