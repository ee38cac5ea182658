#pragma once

#include <array>
#include <cstdint>
#include <span>

namespace lacuna::data {

inline constexpr int kDigitSize = 28;

/// A straight piece of a pen line, in pixels; the pen's radius changes linearly along it.
struct PenSegment {
  float x0 = 0, y0 = 0, x1 = 0, y1 = 0;
  float radius0 = 1, radius1 = 1;
};

/// Draws white lines on black, anti-aliased: each pixel from its distance to the nearest line.
/// softness: over how many pixels the edge fades. blur: weight of each neighbour in a [blur, 1 - 2 blur, blur] filter
/// along x and along y. out: kDigitSize x kDigitSize bytes, row-major.
void draw_lines(std::span<const PenSegment> segments, float softness, float blur, std::uint8_t* out);

}  // namespace lacuna::data
