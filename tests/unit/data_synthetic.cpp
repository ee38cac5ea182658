#include <gmock/gmock.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <set>

#include "data/info.h"
#include "data/raster.h"
#include "data/sha256.h"
#include "data_support.h"
#include "lacuna/data.h"

namespace lacuna {
namespace {

constexpr std::int64_t kPixels = 784;

const std::uint8_t* image(const Dataset& data, std::int64_t row) {
  return static_cast<const std::uint8_t*>(data.values()) + row * kPixels;
}

TEST(SyntheticDigits, ASmallerSetIsTheBeginningOfALarger) {
  const Dataset large = synthetic_digits(107), small = synthetic_digits(33);
  EXPECT_EQ(std::memcmp(large.values(), small.values(), 33 * kPixels), 0);
  EXPECT_TRUE(std::equal(small.labels().begin(), small.labels().end(), large.labels().begin()));
}

TEST(SyntheticDigits, SplitAndSeedChangeEverything) {
  const Dataset base = synthetic_digits(50);
  for (const Dataset& other : {synthetic_digits(50, Split::test), synthetic_digits(50, Split::train, 1),
                               synthetic_digits(50, Split::train, std::uint64_t{1} << 40)}) {
    EXPECT_FALSE(std::equal(base.labels().begin(), base.labels().end(), other.labels().begin()));
    std::set<std::string> seen;
    for (const Dataset* data : {&base, &other})
      for (std::int64_t row = 0; row < 50; ++row)
        seen.emplace(reinterpret_cast<const char*>(image(*data, row)), kPixels);
    EXPECT_EQ(seen.size(), 100u);
  }
}

// The digest was made on x86-64 without fused multiply-add; every machine and build type must reach the same bytes.
TEST(SyntheticDigits, SameBytesEverywhere) {
  const Dataset data = synthetic_digits(500, Split::train, 7);
  data::Sha256 digest;
  digest.update(data.values(), static_cast<std::size_t>(data.bytes()));
  EXPECT_EQ(digest.hexadecimal(), "92b73b0bccfb25df4798b4919132a8b897383b62e9ad7a36816f0c0f9cf7a5ce");
}

TEST(SyntheticDigits, EachTenRowsHoldEachDigitInAnOrderOfTheirOwn) {
  const Dataset data = synthetic_digits(300);
  std::set<std::vector<std::int32_t>> orders;
  for (std::size_t begin = 0; begin < 300; begin += 10) {
    std::vector<std::int32_t> order(data.labels().begin() + begin, data.labels().begin() + begin + 10);
    orders.insert(order);
    std::sort(order.begin(), order.end());
    EXPECT_THAT(order, ::testing::ElementsAre(0, 1, 2, 3, 4, 5, 6, 7, 8, 9));
  }
  EXPECT_GE(orders.size(), 29u);
}

// MNIST has mean 0.1307 and 80.9% zeros, every digit in the central 20 x 20 before centring by mass.
TEST(SyntheticDigits, StatisticsAreNearThoseOfMnist) {
  const Dataset data = synthetic_digits(2000);
  const data::DataInfo info = data::describe(data);
  EXPECT_NEAR(info.values.mean, 0.1307, 0.01);
  EXPECT_NEAR(info.zero_fraction, 0.809, 0.02);
  EXPECT_EQ(info.values.maximum, 1.0);
  int touching = 0;
  for (std::int64_t row = 0; row < data.rows(); ++row) {
    const std::uint8_t* pixels = image(data, row);
    bool edge = false;
    for (int i = 0; i < 28; ++i) edge |= pixels[i] || pixels[756 + i] || pixels[28 * i] || pixels[28 * i + 27];
    touching += edge;
    EXPECT_GE(*std::max_element(pixels, pixels + kPixels), 200) << "row " << row;
  }
  EXPECT_LT(touching, 30);  // 1.6% of MNIST's do
}

// Shapes of one class resemble each other more than those of others: the nearest class mean tells most digits apart,
// as it does on MNIST (82%), but is far from telling all.
TEST(SyntheticDigits, ClassesCanBeToldApart) {
  const Dataset train = synthetic_digits(3000), test = synthetic_digits(1000, Split::test);
  std::array<std::array<double, kPixels>, 10> means{};
  for (std::int64_t row = 0; row < train.rows(); ++row)
    for (std::int64_t i = 0; i < kPixels; ++i)
      means[static_cast<std::size_t>(train.labels()[static_cast<std::size_t>(row)])][static_cast<std::size_t>(i)] +=
          image(train, row)[i] / 300.0;
  int right = 0;
  for (std::int64_t row = 0; row < test.rows(); ++row) {
    std::array<double, 10> distance{};
    for (std::size_t digit = 0; digit < 10; ++digit)
      for (std::int64_t i = 0; i < kPixels; ++i) {
        const double difference = means[digit][static_cast<std::size_t>(i)] - image(test, row)[i];
        distance[digit] += difference * difference;
      }
    const auto nearest = std::min_element(distance.begin(), distance.end()) - distance.begin();
    right += nearest == test.labels()[static_cast<std::size_t>(row)];
  }
  EXPECT_GT(right, 700);
  EXPECT_LT(right, 1000);
}

TEST(SyntheticDigits, NoRowsIsAnError) {
  EXPECT_THAT(test::input_error([] { synthetic_digits(0); }), ::testing::HasSubstr("at least 1"));
}

TEST(DrawLines, PixelsFollowTheDistanceToTheLine) {
  std::array<std::uint8_t, kPixels> picture;
  const data::PenSegment line{5.5f, 10.5f, 20.5f, 10.5f, 1.0f, 1.0f};
  data::draw_lines({&line, 1}, 1.0f, 0.0f, picture.data());
  const auto at = [&](int y, int x) { return picture[static_cast<std::size_t>(28 * y + x)]; };
  EXPECT_EQ(at(10, 12), 255);
  EXPECT_EQ(at(9, 12), at(11, 12));
  EXPECT_EQ(at(9, 12), 134);  // on the edge: half covered, 1.15 / 2 - 0.05
  EXPECT_EQ(at(8, 12), 0);
  EXPECT_EQ(at(10, 3), 0);
  EXPECT_EQ(at(10, 23), 0);
}

TEST(DrawLines, ClipsAtThePicture) {
  std::array<std::uint8_t, kPixels> picture;
  const data::PenSegment lines[] = {{-50, -50, 80, 80, 2, 2}, {40, 3, 60, 3, 1, 1}, {-1, 14, -1, 14, 2, 2}};
  data::draw_lines(lines, 1.0f, 0.05f, picture.data());
  for (int i = 0; i < 28; ++i) EXPECT_GT(picture[static_cast<std::size_t>(29 * i)], 200) << i;
  EXPECT_GT(picture[28 * 14], 0);  // a dot beyond the left edge reaches in
  EXPECT_EQ(picture[3 * 28 + 27], 0);
}

}  // namespace
}  // namespace lacuna
