#pragma once

#include <span>

namespace lacuna::data {

/// A point that the pen passes through, x to the right and y down, the digit filling about [0,1] x [0,1].
struct StrokePoint {
  float x = 0, y = 0;
  bool corner = false;  ///< the pen turns sharply here
};

using Stroke = std::span<const StrokePoint>;

/// One way of writing a digit. Among a digit's styles, it is used in proportion to its weight.
struct DigitStyle {
  float weight = 1;
  std::span<const Stroke> strokes;
};

/// The ways of writing digit 0-9; their weights add up to 1.
std::span<const DigitStyle> digit_styles(int digit);

/// No style has more points than this, over all its strokes.
inline constexpr int kMaxStrokePoints = 20;

}  // namespace lacuna::data
