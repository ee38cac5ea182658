#include <gtest/gtest.h>

#include "lacuna/network.h"
#include "unit/io_support.h"

namespace lacuna {
namespace {

using test::expect_error;

/// The positions of a kernel over an extent, counted one by one.
std::int64_t positions(std::int64_t extent, std::int64_t kernel, std::int64_t stride, std::int64_t padding) {
  std::int64_t count = 0;
  for (std::int64_t begin = -padding; begin + kernel <= extent + padding; begin += stride) ++count;
  return count;
}

Convolution square(std::int64_t extent, std::int64_t kernel, std::int64_t stride, std::int64_t padding) {
  return {1, extent, extent, 2, kernel, stride, padding};
}

TEST(Convolution, OutputExtentsAreTheKernelsPositions) {
  for (std::int64_t extent : {1, 5, 7, 28})
    for (std::int64_t kernel : {1, 3, 7})
      for (std::int64_t stride : {1, 2, 3})
        for (std::int64_t padding : {0, 1, 3})
          EXPECT_EQ(square(extent, kernel, stride, padding).height_out(), positions(extent, kernel, stride, padding))
              << extent << " " << kernel << " " << stride << " " << padding;
}

TEST(Convolution, ItsMirrorImageLeadsBack) {
  for (std::int64_t height : {5, 6, 28})
    for (std::int64_t width : {7, 28})
      for (std::int64_t kernel : {1, 3, 4})
        for (std::int64_t stride : {1, 2, 3})
          for (std::int64_t padding : {0, 1}) {
            const Convolution c{3, height, width, 5, kernel, stride, padding};
            if ((height - kernel + 2 * padding) % stride != (width - kernel + 2 * padding) % stride) {
              expect_error<InputError>([&] { Network::convolutional({c}, Activation::relu, Activation::relu); },
                                       {"cannot be mirrored", std::to_string(height) + " x " + std::to_string(width)});
              continue;
            }
            const Convolution back = c.mirrored();
            EXPECT_TRUE(back.transposed);
            EXPECT_EQ(back.inputs(), c.outputs());
            EXPECT_EQ(back.height_out(), height);
            EXPECT_EQ(back.width_out(), width) << height << " " << kernel << " " << stride << " " << padding;
            EXPECT_LT(back.output_padding, stride);
            EXPECT_EQ(c.weight_shape(), (Shape{5, 3, kernel, kernel}));
            EXPECT_EQ(back.weight_shape(), (Shape{5, 3, kernel, kernel})) << "[in, out, ...] of the transposed one";
          }
}

TEST(Convolution, IsReadFromText) {
  const Convolution all = parse_convolution("16:3:2:1", {1, 28, 28});
  EXPECT_EQ(all, (Convolution{1, 28, 28, 16, 3, 2, 1}));
  EXPECT_EQ(all.height_out(), 14);
  EXPECT_EQ(parse_convolution("64:7", {32, 7, 7}), (Convolution{32, 7, 7, 64, 7, 1, 0}));
  EXPECT_EQ(parse_convolution("4:3:2", {3, 8, 9}).width_out(), 4);
}

TEST(Convolution, RefusesTextThatIsNone) {
  for (const char* text : {"", "16", "16:", ":3", "a:3", "16:3:", "16:0", "0:3", "16:3:0", "16:3:1:-1", "16:3:1:1:1",
                           "16:3x", "-1:3", "99999999999999999999:3", "2000000:3"})
    expect_error<InputError>(
        [&] {
          parse_convolution(text, {1, 28, 28});
        },
        {"convolution \"" + std::string(text) + "\"", "CHANNELS:KERNEL"});
  expect_error<InputError>(
      [] {
        parse_convolution("4:9", {1, 6, 8});
      },
      {"4:9", "empty", "9 x 9", "6 x 8", "padding 0"});
  EXPECT_EQ(parse_convolution("4:9:1:2", {1, 6, 8}).height_out(), 2) << "padding makes room";
}

TEST(Convolution, RefusesMoreValuesThanCanBeCounted) {
  expect_error<InputError>(
      [] {
        parse_convolution("1048576:1:1:1048576", {1, 28, 28});
      },
      {"1048576:1:1:1048576", "[1048576, 2097180, 2097180]", "2^31"});
  expect_error<InputError>([] { parse_convolution("2048:1", {1, 1024, 1024}); }, {"2048:1", "2^31"});
  EXPECT_EQ(parse_convolution("2047:1", {1, 1024, 1024}).outputs(), std::int64_t{2047} << 20);
  Convolution wide{1, 1 << 20, 1 << 20, 1, 1, 1, 0, true, 0};
  wide.channels_out = 1 << 20;
  Network network = Network::autoencoder(4, {2});
  network.encoder[0].convolution = wide;
  expect_error<InputError>([&] { network.validate(); }, {"encoder.0", "too large", "2^31"});
  // A kernel whose weight cannot be indexed.
  const Convolution kernel = parse_convolution("1048576:1048576:1048576:1048576", {1048576, 2, 2});
  expect_error<InputError>([&] { Network::convolutional({kernel}, Activation::relu, Activation::relu); },
                           {"too large to be indexed"});
}

TEST(Convolution, NetworksOfThemAreChecked) {
  const std::vector<Convolution> encoder{{1, 28, 28, 4, 3, 2, 1}, {4, 14, 14, 8, 3, 2, 1}};
  const Network network = Network::convolutional(encoder, Activation::relu, Activation::sigmoid);
  ASSERT_EQ(network.decoder.size(), 2u);
  EXPECT_EQ(network.features(), 784);
  EXPECT_EQ(network.code_units(), 8 * 7 * 7);
  EXPECT_EQ(network.code_layer().channels(), 8);
  EXPECT_EQ(network.code_layer().positions(), 49);
  EXPECT_EQ(network.decoder[0].activation, Activation::relu);
  EXPECT_EQ(network.output_layer().activation, Activation::sigmoid);
  expect_error<InputError>(
      [] {
        Network::convolutional({{1, 28, 28, 4, 3, 2, 1}, {4, 13, 13, 8, 3}}, Activation::relu, Activation::relu);
      },
      {"encoder.1 takes 676 values", "gives 784"});
  expect_error<InputError>(
      [] {
        Network::convolutional({{1, 4, 4, 2, 5}}, Activation::relu, Activation::relu);
      },
      {"encoder.0"});
}

TEST(Convolution, ParametersLieAsInPyTorch) {
  const ParameterLayout layout(Network::convolutional({{3, 8, 8, 5, 4, 2, 1}}, Activation::relu, Activation::identity));
  EXPECT_EQ(layout["encoder.0.weight"].shape, (Shape{5, 3, 4, 4}));
  EXPECT_EQ(layout["encoder.0.bias"].shape, (Shape{5}));
  EXPECT_EQ(layout["decoder.0.weight"].shape, (Shape{5, 3, 4, 4}));
  EXPECT_EQ(layout["decoder.0.bias"].shape, (Shape{3}));
  EXPECT_EQ(layout["encoder.0.weight"].fan_in, 3 * 16);
  EXPECT_EQ(layout["encoder.0.weight"].fan_out, 5 * 16);
  EXPECT_EQ(layout["decoder.0.weight"].fan_in, 5 * 16);
}

}  // namespace
}  // namespace lacuna
