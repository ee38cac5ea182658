#include <gtest/gtest.h>

#include <cmath>

#include "lacuna/math/bf16.h"
#include "lacuna/math/f16.h"
#include "support/small_float.h"

namespace lacuna::math {
namespace {

/// All 65536 numbers. The sign of zero counts; of a NaN only that it is one.
template <class Convert>
void expect_exact(int exponent_bits, const Convert& convert) {
  for (int i = 0; i < 0x10000; ++i) {
    const auto pattern = static_cast<std::uint16_t>(i);
    const double expected = test::small_float(pattern, exponent_bits), value = static_cast<double>(convert(pattern));
    ASSERT_TRUE(std::isnan(expected) ? std::isnan(value)
                                     : value == expected && std::signbit(value) == std::signbit(expected))
        << std::hex << "0x" << i << " is " << value << ", not " << expected;
  }
}

TEST(F16, EveryNumberIsWhatItIs) {
  expect_exact(test::kF16, [](std::uint16_t v) { return from_f16(v); });
  EXPECT_EQ(from_f16(0x3C00), 1.0f);
  EXPECT_EQ(from_f16(0x7BFF), 65504.0f);
  EXPECT_EQ(from_f16(0x8001), -0x1p-24f);
}

TEST(Bf16, EveryNumberIsWhatItIs) {
  expect_exact(test::kBf16, [](std::uint16_t v) { return from_bf16(v); });
}

}  // namespace
}  // namespace lacuna::math
