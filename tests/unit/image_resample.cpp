#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>

#include "data/resample.h"

namespace lacuna::data {
namespace {

using ::testing::ElementsAre;

std::vector<std::uint8_t> noise(const ImageSize& size) {
  std::vector<std::uint8_t> values(static_cast<std::size_t>(size.width * size.height));
  unsigned state = 3;
  for (std::uint8_t& value : values) value = static_cast<std::uint8_t>((state = state * 1103515245u + 12345u) >> 20);
  return values;
}

std::vector<std::uint8_t> resized(const std::vector<std::uint8_t>& from, const ImageSize& from_size,
                                  const ImageSize& to_size) {
  std::vector<std::uint8_t> to(static_cast<std::size_t>(to_size.width * to_size.height));
  resize_plane(from.data(), from_size, to.data(), to_size);
  return to;
}

/// The weight of input j in output i along one axis, from the definitions, in double.
double weight(std::int64_t i, std::int64_t j, std::int64_t from, std::int64_t to) {
  const double scale = static_cast<double>(from) / static_cast<double>(to);
  const auto left = static_cast<double>(j);
  if (to <= from) {
    const double begin = static_cast<double>(i) * scale, end = begin + scale;
    return std::max(0.0, std::min(end, left + 1) - std::max(begin, left)) / scale;
  }
  const double centre = std::clamp((static_cast<double>(i) + 0.5) * scale - 0.5, 0.0, static_cast<double>(from - 1));
  return std::max(0.0, 1.0 - std::abs(centre - left));
}

TEST(Resize, IsWhatItsDefinitionSays) {
  const ImageSize from{13, 10};
  const std::vector<std::uint8_t> values = noise(from);
  for (const ImageSize& to : {ImageSize{13, 10}, {5, 3}, {12, 9}, {1, 1}, {40, 33}, {14, 11}, {26, 4}, {3, 30}}) {
    const std::vector<std::uint8_t> result = resized(values, from, to);
    for (std::int64_t y = 0; y < to.height; ++y)
      for (std::int64_t x = 0; x < to.width; ++x) {
        double sum = 0;
        for (std::int64_t v = 0; v < from.height; ++v)
          for (std::int64_t u = 0; u < from.width; ++u)
            sum += weight(x, u, from.width, to.width) * weight(y, v, from.height, to.height) *
                   values[static_cast<std::size_t>(v * from.width + u)];
        ASSERT_NEAR(result[static_cast<std::size_t>(y * to.width + x)], sum, 0.5 + 1e-9)
            << to.width << " x " << to.height << " at " << x << ", " << y;
      }
  }
}

TEST(Resize, SmallCasesByHand) {
  EXPECT_THAT(resized({0, 10, 20, 30}, {4, 1}, {2, 1}), ElementsAre(5, 25));
  EXPECT_THAT(resized({0, 100}, {2, 1}, {4, 1}), ElementsAre(0, 25, 75, 100));
  EXPECT_THAT(resized({7}, {1, 1}, {2, 2}), ElementsAre(7, 7, 7, 7));
  EXPECT_THAT(resized({1, 2}, {1, 2}, {1, 1}), ElementsAre(2)) << "1.5 is rounded up";
}

TEST(Planes, AreSeparatedOrMixedToLuma) {
  const Pixels rgb{{2, 1}, 3, {255, 0, 0, 10, 20, 30}};
  EXPECT_THAT(to_planes(rgb, true), ElementsAre(255, 10, 0, 20, 0, 30));
  EXPECT_THAT(to_planes(rgb, false), ElementsAre(76, 18));  // 76.245, 18.15
  const Pixels grey{{2, 1}, 1, {5, 250}};
  EXPECT_THAT(to_planes(grey, false), ElementsAre(5, 250));
  EXPECT_THAT(to_planes(grey, true), ElementsAre(5, 250, 5, 250, 5, 250));
}

TEST(Planes, WhatIsTransparentLiesOverBlack) {
  EXPECT_THAT(to_planes({{3, 1}, 2, {200, 255, 200, 128, 200, 0}}, false), ElementsAre(200, 100, 0));
  EXPECT_THAT(to_planes({{1, 1}, 4, {255, 100, 0, 51}}, true), ElementsAre(51, 20, 0));
}

}  // namespace
}  // namespace lacuna::data
