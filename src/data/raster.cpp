#include "data/raster.h"

#include <algorithm>
#include <cmath>

namespace lacuna::data {
namespace {

constexpr int kPixels = kDigitSize * kDigitSize;
using Plane = std::array<float, kPixels>;

int pixel_at_or_after(float coordinate) {
  return std::clamp(static_cast<int>(coordinate), 0, kDigitSize);
}

/// Lowers `distance` (to the line's edge, negative inside) within `reach` of the segment.
void lower_distance(const PenSegment& line, float reach, Plane& distance) {
  const float dx = line.x1 - line.x0, dy = line.y1 - line.y0;
  const float length2 = dx * dx + dy * dy;
  const float inverse = length2 > 1e-12f ? 1.0f / length2 : 0.0f;
  const float x0 = line.x0, radius = line.radius0, thickening = line.radius1 - line.radius0;
  const float margin = std::max(line.radius0, line.radius1) + reach;
  const int first_x = pixel_at_or_after(std::min(line.x0, line.x1) - margin);
  const int last_x = pixel_at_or_after(std::max(line.x0, line.x1) + margin + 1);
  const int first_y = pixel_at_or_after(std::min(line.y0, line.y1) - margin);
  const int last_y = pixel_at_or_after(std::max(line.y0, line.y1) + margin + 1);
  for (int y = first_y; y < last_y; ++y) {
    const float py = static_cast<float>(y) + 0.5f - line.y0;
    float* row = &distance[static_cast<std::size_t>(y * kDigitSize)];
    for (int x = first_x; x < last_x; ++x) {
      const float px = static_cast<float>(x) + 0.5f - x0;
      const float along = (px * dx + py * dy) * inverse;
      const float t = along < 0.0f ? 0.0f : along > 1.0f ? 1.0f : along;
      const float ex = px - t * dx, ey = py - t * dy;
      const float edge = std::sqrt(ex * ex + ey * ey) - (radius + t * thickening);
      row[x] = edge < row[x] ? edge : row[x];
    }
  }
}

void blur_along(const Plane& in, int step, int across, float weight, Plane& out) {
  for (int line = 0; line < kDigitSize; ++line)
    for (int i = 0; i < kDigitSize; ++i) {
      const int at = line * across + i * step;
      const float before = i > 0 ? in[static_cast<std::size_t>(at - step)] : 0.0f;
      const float after = i + 1 < kDigitSize ? in[static_cast<std::size_t>(at + step)] : 0.0f;
      out[static_cast<std::size_t>(at)] =
          (1.0f - 2.0f * weight) * in[static_cast<std::size_t>(at)] + weight * (before + after);
    }
}

}  // namespace

void draw_lines(std::span<const PenSegment> segments, float softness, float blur, std::uint8_t* out) {
  Plane plane, blurred;
  plane.fill(1e6f);
  for (const PenSegment& segment : segments) lower_distance(segment, 0.5f * softness, plane);
  const float slope = 1.0f / softness;
  for (float& value : plane) value = std::clamp(0.5f - value * slope, 0.0f, 1.0f);
  blur_along(plane, 1, kDigitSize, blur, blurred);
  blur_along(blurred, kDigitSize, 1, blur, plane);
  // As on scanned paper: full ink is white throughout, and the faintest grey is none.
  for (int i = 0; i < kPixels; ++i) {
    const float ink = std::clamp(1.15f * plane[static_cast<std::size_t>(i)] - 0.05f, 0.0f, 1.0f);
    out[i] = static_cast<std::uint8_t>(ink * 255.0f + 0.5f);
  }
}

}  // namespace lacuna::data
