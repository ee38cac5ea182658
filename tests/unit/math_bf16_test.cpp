#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "lacuna/math/bf16.h"

namespace lacuna::math {
namespace {

float rounded(float value) {
  return from_bf16(to_bf16(value));
}

TEST(Bf16, KeepsWhatHasEightBits) {
  for (const float value : {0.0f, 1.0f, -1.5f, 255.0f, 0x1.FEp127f, -0x1p-126f, 0x1p-133f})
    EXPECT_EQ(rounded(value), value);
  EXPECT_TRUE(std::signbit(rounded(-0.0f)));
}

TEST(Bf16, RoundsToNearestAndTiesToEven) {
  EXPECT_EQ(rounded(0x1.00FFFFp0f), 1.0f);
  EXPECT_EQ(rounded(0x1.01p0f), 1.0f);  // halfway, to the even one
  EXPECT_EQ(rounded(0x1.010002p0f), 0x1.02p0f);
  EXPECT_EQ(rounded(0x1.03p0f), 0x1.04p0f);
  EXPECT_EQ(rounded(-0x1.03p0f), -0x1.04p0f);
}

TEST(Bf16, LeavesTheFiniteAsFloatsDo) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  EXPECT_EQ(rounded(kInfinity), kInfinity);
  EXPECT_EQ(rounded(-std::numeric_limits<float>::max()), -kInfinity);
  EXPECT_TRUE(std::isnan(rounded(std::numeric_limits<float>::quiet_NaN())));
  EXPECT_TRUE(std::isnan(rounded(__builtin_bit_cast(float, 0x7F800001u))));  // all its digits are in the lost half
  EXPECT_TRUE(std::isnan(rounded(__builtin_bit_cast(float, 0xFFFFFFFFu))));
}

}  // namespace
}  // namespace lacuna::math
