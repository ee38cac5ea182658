#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <vector>

#include "data/digit_strokes.h"
#include "data/raster.h"
#include "lacuna/data.h"
#include "lacuna/error.h"
#include "lacuna/math/philox.h"

namespace lacuna {
namespace {

using data::kDigitSize;
using data::PenSegment;
using data::StrokePoint;

constexpr int kPiecesPerSpan = 5;
constexpr float kBox = 20.0f;  // MNIST scales every digit to fit 20 x 20 and centres it by its mass
constexpr std::size_t kMaxSegments = std::size_t{data::kMaxStrokePoints} * kPiecesPerSpan;

/// The random numbers of one row: they depend on seed, split and row alone.
class RowRandom {
 public:
  RowRandom(std::uint64_t seed, std::uint32_t first_stream, std::uint64_t index)
      : seed_(seed), stream_(first_stream), index_(index) {}

  std::uint32_t word() {
    if (used_ == 4) {
      block_ = math::random_block(seed_, math::Purpose::synthetic, stream_++, index_);
      used_ = 0;
    }
    return block_.word[used_++];
  }
  /// Uniform on [low, high).
  float uniform(float low, float high) { return low + (high - low) * math::uniform24(word()); }
  /// Bell-shaped with mean 0 and variance 1, within +-3: the sum of three uniforms, which needs no libm.
  float bell() {
    float sum = 0;
    for (int i = 0; i < 3; ++i) sum += uniform(-0.5f, 0.5f);
    return 2.0f * sum;
  }

 private:
  std::uint64_t seed_;
  std::uint32_t stream_;
  std::uint64_t index_;
  math::Philox4 block_{};
  int used_ = 4;
};

/// Streams of one split lie apart from the other's; the first is for the order of classes, the rest for the rows.
std::uint32_t first_stream_of(Split split) {
  return split == Split::train ? 0u : 0x10000u;
}

/// Each ten rows hold each digit once, in an order of their own.
std::array<std::int32_t, 10> digits_of_ten(std::uint64_t seed, Split split, std::uint64_t block) {
  std::array<std::int32_t, 10> digits{0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
  RowRandom random(seed, first_stream_of(split), block);
  for (std::uint32_t left = 10; left > 1; --left) {
    const std::uint64_t chosen = (std::uint64_t{random.word()} * left) >> 32;
    std::swap(digits[left - 1], digits[chosen]);
  }
  return digits;
}

/// The hand: how the pen's points are moved before they are joined.
struct Hand {
  float xx, xy, yx, yy;  // linear map about the middle of the digit
  float bend_x, bend_y;  // quadratic: x += bend_x y^2, y += bend_y x^2
  float wobble;          // of each point by itself

  explicit Hand(RowRandom& random) {
    const float angle = 0.10f * random.bell();
    const float sine = angle - angle * angle * angle / 6.0f;
    const float cosine = 1.0f - 0.5f * angle * angle + angle * angle * angle * angle / 24.0f;
    const float width = 0.90f + 0.15f * random.bell();
    const float slant = 0.17f + 0.19f * random.bell();  // most people lean to the right
    xx = cosine * width;
    xy = -sine - slant * cosine;
    yx = sine * width;
    yy = cosine - slant * sine;
    bend_x = 0.12f * random.bell();
    bend_y = 0.07f * random.bell();
    wobble = random.uniform(0.018f, 0.042f);
  }

  StrokePoint operator()(const StrokePoint& point, RowRandom& random) const {
    const float x = point.x - 0.5f + wobble * random.bell();
    const float y = point.y - 0.5f + wobble * random.bell();
    const float bent_x = x + bend_x * y * y, bent_y = y + bend_y * x * x;
    return {xx * bent_x + xy * bent_y, yx * bent_x + yy * bent_y, point.corner};
  }
};

/// A pen line before it is placed in the picture.
struct Drawing {
  std::array<PenSegment, kMaxSegments> segments;
  std::size_t count = 0;
  std::span<PenSegment> lines() { return {segments.data(), count}; }
};

/// One coordinate of the Catmull-Rom curve from b to c.
float curve(float a, float b, float c, float d, float t) {
  const float t2 = t * t, t3 = t2 * t;
  return 0.5f * (2.0f * b + (c - a) * t + (2.0f * a - 5.0f * b + 4.0f * c - d) * t2 + (3.0f * (b - c) + d - a) * t3);
}

/// Joins the points by curves through them, with a kink at corners.
void join(std::span<const StrokePoint> points, Drawing& drawing) {
  for (std::size_t i = 0; i + 1 < points.size(); ++i) {
    const StrokePoint &b = points[i], &c = points[i + 1];
    const bool starts = i == 0 || b.corner, ends = i + 2 == points.size() || c.corner;
    const StrokePoint a = starts ? StrokePoint{2.0f * b.x - c.x, 2.0f * b.y - c.y} : points[i - 1];
    const StrokePoint d = ends ? StrokePoint{2.0f * c.x - b.x, 2.0f * c.y - b.y} : points[i + 2];
    float x = b.x, y = b.y;
    for (int piece = 1; piece <= kPiecesPerSpan; ++piece) {
      const float t = static_cast<float>(piece) / static_cast<float>(kPiecesPerSpan);
      const float next_x = curve(a.x, b.x, c.x, d.x, t), next_y = curve(a.y, b.y, c.y, d.y, t);
      drawing.segments[drawing.count++] = {x, y, next_x, next_y, 0, 0};
      x = next_x;
      y = next_y;
    }
  }
}

const data::DigitStyle& choose_style(std::span<const data::DigitStyle> styles, RowRandom& random) {
  float left = random.uniform(0.0f, 1.0f);
  for (const data::DigitStyle& style : styles) {
    if (left < style.weight) return style;
    left -= style.weight;
  }
  return styles.back();
}

/// Scales the drawing to fit the box, its mass in the middle of the picture but for a small shift, and
/// clear of the picture's edge.
void place(Drawing& drawing, float radius, RowRandom& random) {
  float left = 1e6f, right = -1e6f, top = 1e6f, bottom = -1e6f, mass = 0, mass_x = 0, mass_y = 0;
  for (const PenSegment& line : drawing.lines()) {
    left = std::min({left, line.x0, line.x1});
    right = std::max({right, line.x0, line.x1});
    top = std::min({top, line.y0, line.y1});
    bottom = std::max({bottom, line.y0, line.y1});
    const float dx = line.x1 - line.x0, dy = line.y1 - line.y0;
    const float length = std::sqrt(dx * dx + dy * dy);
    mass += length;
    mass_x += 0.5f * length * (line.x0 + line.x1);
    mass_y += 0.5f * length * (line.y0 + line.y1);
  }
  const float scale = random.uniform(0.94f, 1.0f) * (kBox - 2.0f * radius) / std::max(right - left, bottom - top);
  const auto shift = [&](float low, float high, float centre) {
    const float size = static_cast<float>(kDigitSize), margin = radius + 1.5f;
    const float centred = 0.5f * size + random.uniform(-0.5f, 0.5f) - scale * centre;
    return std::clamp(centred, margin - scale * low, size - margin - scale * high);
  };
  const float shift_x = shift(left, right, mass_x / mass);
  const float shift_y = shift(top, bottom, mass_y / mass);
  for (PenSegment& line : drawing.lines()) {
    line.x0 = scale * line.x0 + shift_x;
    line.x1 = scale * line.x1 + shift_x;
    line.y0 = scale * line.y0 + shift_y;
    line.y1 = scale * line.y1 + shift_y;
  }
}

/// The pen presses harder here and there: the radius drifts along the drawing.
void press(Drawing& drawing, float radius, RowRandom& random) {
  std::array<float, 5> pressure;
  for (float& value : pressure) value = radius * (1.0f + 0.11f * random.bell());
  const auto at = [&](std::size_t segment) {
    const float position = 4.0f * static_cast<float>(segment) / static_cast<float>(drawing.count);
    const std::size_t knot = std::min<std::size_t>(static_cast<std::size_t>(position), 3);
    return pressure[knot] + (position - static_cast<float>(knot)) * (pressure[knot + 1] - pressure[knot]);
  };
  for (std::size_t i = 0; i < drawing.count; ++i) {
    drawing.segments[i].radius0 = at(i);
    drawing.segments[i].radius1 = at(i + 1);
  }
}

void draw_digit(int digit, RowRandom& random, std::uint8_t* out) {
  const data::DigitStyle& style = choose_style(data::digit_styles(digit), random);
  const Hand hand(random);
  Drawing drawing;
  std::array<StrokePoint, data::kMaxStrokePoints> points;
  for (const data::Stroke& stroke : style.strokes) {
    for (std::size_t i = 0; i < stroke.size(); ++i) points[i] = hand(stroke[i], random);
    join({points.data(), stroke.size()}, drawing);
  }
  const float radius = std::max(0.75f, 1.25f + 0.28f * random.bell());
  place(drawing, radius, random);
  press(drawing, radius, random);
  const float softness = random.uniform(0.8f, 1.3f);
  const float blur = random.uniform(0.02f, 0.06f);
  data::draw_lines(drawing.lines(), softness, blur, out);
}

}  // namespace

Dataset synthetic_digits(std::int64_t rows, Split split, std::uint64_t seed) {
  if (rows < 1) throw InputError(fmt::format("synthetic: {} samples were asked for; at least 1 is needed", rows));
  constexpr std::int64_t kPixels = std::int64_t{kDigitSize} * kDigitSize;
  std::shared_ptr<std::uint8_t[]> pixels;
  std::vector<std::int32_t> labels;
  try {
    std::int64_t bytes = 0;
    if (__builtin_mul_overflow(rows, kPixels, &bytes)) throw std::bad_alloc();
    pixels = std::shared_ptr<std::uint8_t[]>(new std::uint8_t[static_cast<std::size_t>(bytes)]);
    labels.resize(static_cast<std::size_t>(rows));
  } catch (const std::bad_alloc&) {
    throw InputError(fmt::format("synthetic: {} samples do not fit into memory", rows));
  }

  const std::int64_t blocks = (rows + 9) / 10;
#pragma omp parallel for schedule(static)
  for (std::int64_t block = 0; block < blocks; ++block) {
    const std::array<std::int32_t, 10> digits = digits_of_ten(seed, split, static_cast<std::uint64_t>(block));
    for (std::int64_t row = 10 * block; row < std::min(rows, 10 * block + 10); ++row) {
      const std::int32_t digit = digits[static_cast<std::size_t>(row % 10)];
      RowRandom random(seed, first_stream_of(split) + 0x100u, static_cast<std::uint64_t>(row));
      draw_digit(digit, random, pixels.get() + row * kPixels);
      labels[static_cast<std::size_t>(row)] = digit;
    }
  }
  const char* name = split == Split::train ? "synthetic train" : "synthetic test";
  return Dataset(name, rows, {kDigitSize, kDigitSize}, DType::u8, pixels.get(), pixels, std::move(labels));
}

}  // namespace lacuna
