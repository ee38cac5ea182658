#include "data/digit_strokes.h"

#include <array>

#include "lacuna/error.h"

namespace lacuna::data {
namespace {

using Point = StrokePoint;
constexpr bool kCorner = true;

constexpr Point kZeroRound[] = {{0.58f, 0.03f}, {0.27f, 0.13f}, {0.12f, 0.50f}, {0.23f, 0.86f}, {0.50f, 0.98f},
                                {0.78f, 0.84f}, {0.89f, 0.48f}, {0.76f, 0.14f}, {0.50f, 0.02f}};
constexpr Point kZeroOverlap[] = {{0.62f, 0.10f}, {0.44f, 0.02f}, {0.22f, 0.20f}, {0.14f, 0.56f}, {0.28f, 0.92f},
                                  {0.55f, 0.97f}, {0.80f, 0.70f}, {0.84f, 0.32f}, {0.66f, 0.06f}, {0.42f, 0.08f}};

constexpr Point kOneLine[] = {{0.50f, 0.00f}, {0.50f, 0.50f}, {0.50f, 1.00f}};
constexpr Point kOneFlag[] = {{0.30f, 0.22f}, {0.52f, 0.00f, kCorner}, {0.51f, 0.50f}, {0.50f, 1.00f}};
constexpr Point kOneBase[] = {{0.22f, 1.00f}, {0.78f, 0.99f}};

constexpr Point kTwoAngle[] = {{0.13f, 0.24f}, {0.30f, 0.05f}, {0.56f, 0.00f},          {0.77f, 0.14f}, {0.76f, 0.36f},
                               {0.58f, 0.64f}, {0.34f, 0.86f}, {0.10f, 0.98f, kCorner}, {0.50f, 0.95f}, {0.92f, 0.96f}};
constexpr Point kTwoLoop[] = {{0.16f, 0.20f}, {0.40f, 0.01f}, {0.70f, 0.10f}, {0.72f, 0.36f},
                              {0.48f, 0.70f}, {0.20f, 0.95f}, {0.07f, 0.88f}, {0.20f, 0.76f},
                              {0.46f, 0.87f}, {0.70f, 0.98f}, {0.97f, 0.88f}};

constexpr Point kThreeRound[] = {{0.15f, 0.13f}, {0.40f, 0.00f},          {0.70f, 0.07f}, {0.76f, 0.26f},
                                 {0.60f, 0.42f}, {0.38f, 0.48f, kCorner}, {0.66f, 0.53f}, {0.83f, 0.72f},
                                 {0.71f, 0.92f}, {0.43f, 1.00f},          {0.12f, 0.88f}};
constexpr Point kThreeFlat[] = {{0.16f, 0.05f},          {0.45f, 0.03f}, {0.78f, 0.03f, kCorner}, {0.60f, 0.24f},
                                {0.42f, 0.43f, kCorner}, {0.70f, 0.50f}, {0.82f, 0.70f},          {0.68f, 0.93f},
                                {0.40f, 1.00f},          {0.12f, 0.92f}};

constexpr Point kFourOpenLeft[] = {{0.20f, 0.03f}, {0.14f, 0.28f}, {0.17f, 0.50f}, {0.45f, 0.54f}, {0.82f, 0.46f}};
constexpr Point kFourOpenRight[] = {{0.82f, 0.00f}, {0.75f, 0.50f}, {0.70f, 1.00f}};
constexpr Point kFourClosedLeft[] = {
    {0.66f, 0.00f}, {0.38f, 0.32f}, {0.10f, 0.62f, kCorner}, {0.50f, 0.62f}, {0.94f, 0.58f}};
constexpr Point kFourClosedRight[] = {{0.68f, 0.02f}, {0.66f, 0.50f}, {0.62f, 1.00f}};
constexpr Point kFourSquareLeft[] = {
    {0.22f, 0.04f}, {0.18f, 0.28f}, {0.16f, 0.50f, kCorner}, {0.50f, 0.50f}, {0.96f, 0.47f}};

constexpr Point kFiveBelly[] = {{0.28f, 0.05f}, {0.25f, 0.24f}, {0.21f, 0.43f, kCorner}, {0.50f, 0.38f},
                                {0.77f, 0.54f}, {0.77f, 0.79f}, {0.50f, 0.98f},          {0.12f, 0.92f}};
constexpr Point kFiveBar[] = {{0.28f, 0.05f}, {0.56f, 0.04f}, {0.90f, 0.00f}};
constexpr Point kFiveOne[] = {{0.92f, 0.02f}, {0.62f, 0.04f}, {0.36f, 0.08f, kCorner}, {0.28f, 0.28f}, {0.24f, 0.42f},
                              {0.46f, 0.46f}, {0.70f, 0.60f}, {0.72f, 0.82f},          {0.46f, 0.99f}, {0.08f, 0.93f}};

constexpr Point kSixCurved[] = {{0.72f, 0.00f}, {0.42f, 0.20f}, {0.19f, 0.54f}, {0.20f, 0.85f}, {0.45f, 1.00f},
                                {0.72f, 0.88f}, {0.75f, 0.66f}, {0.53f, 0.55f}, {0.29f, 0.68f}, {0.20f, 0.84f}};
constexpr Point kSixUpright[] = {{0.44f, 0.00f}, {0.26f, 0.30f}, {0.17f, 0.66f}, {0.28f, 0.94f}, {0.55f, 0.98f},
                                 {0.78f, 0.82f}, {0.70f, 0.62f}, {0.44f, 0.58f}, {0.20f, 0.72f}};

constexpr Point kSevenPlain[] = {
    {0.10f, 0.08f}, {0.45f, 0.05f}, {0.86f, 0.04f, kCorner}, {0.66f, 0.44f}, {0.46f, 1.00f}};
constexpr Point kSevenRound[] = {{0.08f, 0.14f}, {0.40f, 0.05f}, {0.76f, 0.04f},
                                 {0.82f, 0.16f}, {0.64f, 0.52f}, {0.44f, 1.00f}};
constexpr Point kSevenSerif[] = {{0.12f, 0.26f},          {0.14f, 0.07f, kCorner}, {0.48f, 0.05f},
                                 {0.86f, 0.03f, kCorner}, {0.70f, 0.44f},          {0.58f, 1.00f}};
constexpr Point kSevenBar[] = {{0.34f, 0.52f}, {0.82f, 0.48f}};

constexpr Point kEightS[] = {{0.78f, 0.14f}, {0.55f, 0.00f}, {0.29f, 0.08f}, {0.29f, 0.30f}, {0.52f, 0.47f},
                             {0.75f, 0.68f}, {0.71f, 0.91f}, {0.46f, 1.00f}, {0.21f, 0.90f}, {0.25f, 0.68f},
                             {0.52f, 0.46f}, {0.74f, 0.29f}, {0.76f, 0.11f}};
constexpr Point kEightUpper[] = {{0.55f, 0.46f}, {0.30f, 0.38f}, {0.26f, 0.15f}, {0.50f, 0.01f},
                                 {0.76f, 0.12f}, {0.76f, 0.34f}, {0.52f, 0.46f}};
constexpr Point kEightLower[] = {{0.52f, 0.46f}, {0.24f, 0.60f}, {0.18f, 0.84f}, {0.46f, 1.00f},
                                 {0.76f, 0.88f}, {0.76f, 0.62f}, {0.55f, 0.47f}};

constexpr Point kNineStraight[] = {{0.76f, 0.14f},          {0.52f, 0.02f}, {0.24f, 0.14f},
                                   {0.18f, 0.36f},          {0.40f, 0.49f}, {0.66f, 0.36f},
                                   {0.78f, 0.12f, kCorner}, {0.74f, 0.50f}, {0.66f, 1.00f}};
constexpr Point kNineCurved[] = {{0.74f, 0.18f}, {0.55f, 0.01f}, {0.27f, 0.10f}, {0.18f, 0.34f}, {0.40f, 0.46f},
                                 {0.68f, 0.34f}, {0.77f, 0.14f}, {0.78f, 0.40f}, {0.70f, 0.70f}, {0.52f, 1.00f}};
constexpr Point kNineHooked[] = {{0.74f, 0.22f}, {0.52f, 0.03f},          {0.24f, 0.14f}, {0.20f, 0.38f},
                                 {0.46f, 0.48f}, {0.72f, 0.28f, kCorner}, {0.77f, 0.60f}, {0.70f, 0.88f},
                                 {0.46f, 1.00f}, {0.20f, 0.92f}};

constexpr Stroke kStrokes[] = {
    kZeroRound,       kZeroOverlap, kOneLine,      kOneFlag,       kOneBase,        kTwoAngle,        kTwoLoop,
    kThreeRound,      kThreeFlat,   kFourOpenLeft, kFourOpenRight, kFourClosedLeft, kFourClosedRight, kFourSquareLeft,
    kFourClosedRight, kFiveBelly,   kFiveBar,      kFiveOne,       kSixCurved,      kSixUpright,      kSevenPlain,
    kSevenRound,      kSevenSerif,  kSevenPlain,   kSevenBar,      kEightS,         kEightUpper,      kEightLower,
    kNineStraight,    kNineCurved,  kNineHooked};

constexpr std::span<const Stroke> strokes(std::size_t first, std::size_t count) {
  return std::span(kStrokes).subspan(first, count);
}

constexpr DigitStyle kZero[] = {{0.6f, strokes(0, 1)}, {0.4f, strokes(1, 1)}};
constexpr DigitStyle kOne[] = {{0.8f, strokes(2, 1)}, {0.15f, strokes(3, 1)}, {0.05f, strokes(3, 2)}};
constexpr DigitStyle kTwo[] = {{0.55f, strokes(5, 1)}, {0.45f, strokes(6, 1)}};
constexpr DigitStyle kThree[] = {{0.75f, strokes(7, 1)}, {0.25f, strokes(8, 1)}};
constexpr DigitStyle kFour[] = {{0.5f, strokes(9, 2)}, {0.25f, strokes(11, 2)}, {0.25f, strokes(13, 2)}};
constexpr DigitStyle kFive[] = {{0.55f, strokes(15, 2)}, {0.45f, strokes(17, 1)}};
constexpr DigitStyle kSix[] = {{0.55f, strokes(18, 1)}, {0.45f, strokes(19, 1)}};
constexpr DigitStyle kSeven[] = {
    {0.4f, strokes(20, 1)}, {0.3f, strokes(21, 1)}, {0.15f, strokes(22, 1)}, {0.15f, strokes(23, 2)}};
constexpr DigitStyle kEight[] = {{0.7f, strokes(25, 1)}, {0.3f, strokes(26, 2)}};
constexpr DigitStyle kNine[] = {{0.45f, strokes(28, 1)}, {0.35f, strokes(29, 1)}, {0.2f, strokes(30, 1)}};

constexpr std::array<std::span<const DigitStyle>, 10> kDigits = {kZero, kOne, kTwo,   kThree, kFour,
                                                                 kFive, kSix, kSeven, kEight, kNine};

constexpr bool every_style_fits() {
  for (const auto& styles : kDigits)
    for (const DigitStyle& style : styles) {
      std::size_t points = 0;
      for (const Stroke& stroke : style.strokes) points += stroke.size();
      if (points > kMaxStrokePoints) return false;
    }
  return true;
}
static_assert(every_style_fits());

}  // namespace

std::span<const DigitStyle> digit_styles(int digit) {
  LACUNA_EXPECTS(digit >= 0 && digit <= 9, "a digit is 0 to 9");
  return kDigits[static_cast<std::size_t>(digit)];
}

}  // namespace lacuna::data
