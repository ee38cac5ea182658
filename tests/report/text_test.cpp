#include "report/text.h"

#include <gtest/gtest.h>

#include <cmath>

namespace lacuna::report {
namespace {

TEST(Text, EscapesWhatMarkupWouldTake) {
  EXPECT_EQ(escaped("a<b>&\"c\""), "a&lt;b&gt;&amp;&quot;c&quot;");
  EXPECT_EQ(escaped(std::string("x\x01y\x1b", 4)), "x\xef\xbf\xbdy\xef\xbf\xbd");
  EXPECT_EQ(escaped("ρ̂ = 0.1"), "ρ̂ = 0.1");
}

TEST(Text, FiguresAreShort) {
  EXPECT_EQ(figure(0.098741), "0.09874");
  EXPECT_EQ(figure(7.2134), "7.213");
  EXPECT_EQ(figure(999.96), "1,000");
  EXPECT_EQ(figure(60000), "60,000");
  EXPECT_EQ(figure(-1234567), "-1,234,567");
  EXPECT_EQ(figure(NAN), "–");
  EXPECT_EQ(percent(0.97634), "97.63%");
}

TEST(Text, Durations) {
  EXPECT_EQ(duration(0.84), "0.8 s");
  EXPECT_EQ(duration(0.042), "42 ms");
  EXPECT_EQ(duration(59.4), "59 s");
  EXPECT_EQ(duration(200), "3 min 20 s");
  EXPECT_EQ(duration(3900), "1 h 5 min");
  EXPECT_EQ(duration(INFINITY), "–");
}

// RFC 4648, section 10.
TEST(Text, Base64) {
  EXPECT_EQ(base64(""), "");
  EXPECT_EQ(base64("f"), "Zg==");
  EXPECT_EQ(base64("fo"), "Zm8=");
  EXPECT_EQ(base64("foo"), "Zm9v");
  EXPECT_EQ(base64("foobar"), "Zm9vYmFy");
  EXPECT_EQ(base64("\xff\xfe\xfd"), "//79");
}

}  // namespace
}  // namespace lacuna::report
