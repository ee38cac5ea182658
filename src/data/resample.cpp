#include "data/resample.h"

#include <algorithm>

namespace lacuna::data {
namespace {

std::uint8_t over_black(unsigned value, unsigned alpha) {
  return static_cast<std::uint8_t>((value * alpha + 127) / 255);
}

std::uint8_t luma(unsigned red, unsigned green, unsigned blue) {
  return static_cast<std::uint8_t>((299 * red + 587 * green + 114 * blue + 500) / 1000);
}

/// Along one axis: an output is the sum of `weights` times the inputs from `first` on, over `total`.
struct Taps {
  std::int64_t first = 0;
  std::vector<std::uint64_t> weights;
};

struct Axis {
  std::uint64_t total = 1;
  std::vector<Taps> taps;
};

/// In units of 1/to of an input, an output covers `from` of them.
Taps area_taps(std::int64_t output, std::int64_t from, std::int64_t to) {
  const std::int64_t begin = output * from, end = begin + from;
  Taps taps{begin / to, {}};
  for (std::int64_t input = taps.first; input * to < end; ++input)
    taps.weights.push_back(static_cast<std::uint64_t>(std::min(end, (input + 1) * to) - std::max(begin, input * to)));
  return taps;
}

/// In units of 1/(2 to) of an input, from the centre of the first one.
Taps linear_taps(std::int64_t output, std::int64_t from, std::int64_t to) {
  const std::int64_t unit = 2 * to;
  const std::int64_t at = std::clamp<std::int64_t>((2 * output + 1) * from - to, 0, (from - 1) * unit);
  const std::int64_t left = std::min(at / unit, std::max<std::int64_t>(from - 2, 0));
  const std::int64_t beyond = at - left * unit;
  if (beyond == 0) return {left, {static_cast<std::uint64_t>(unit)}};
  return {left, {static_cast<std::uint64_t>(unit - beyond), static_cast<std::uint64_t>(beyond)}};
}

Axis make_axis(std::int64_t from, std::int64_t to) {
  const bool grows = to > from;
  Axis axis;
  axis.total = static_cast<std::uint64_t>(grows ? 2 * to : from);
  for (std::int64_t output = 0; output < to; ++output)
    axis.taps.push_back(grows ? linear_taps(output, from, to) : area_taps(output, from, to));
  return axis;
}

std::uint64_t weighted_sum(const Taps& taps, const std::uint8_t* row) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < taps.weights.size(); ++i) sum += taps.weights[i] * row[taps.first + std::int64_t(i)];
  return sum;
}

}  // namespace

std::vector<std::uint8_t> to_planes(const Pixels& pixels, bool color) {
  const std::int64_t count = pixels.size.width * pixels.size.height;
  const bool has_color = pixels.channels >= 3, has_alpha = pixels.channels % 2 == 0;
  std::vector<std::uint8_t> planes(static_cast<std::size_t>(count * (color ? 3 : 1)));
  const std::uint8_t* from = pixels.values.data();
  for (std::int64_t i = 0; i < count; ++i, from += pixels.channels) {
    const unsigned alpha = has_alpha ? from[pixels.channels - 1] : 255;
    const std::uint8_t red = over_black(from[0], alpha);
    const std::uint8_t green = has_color ? over_black(from[1], alpha) : red;
    const std::uint8_t blue = has_color ? over_black(from[2], alpha) : red;
    std::uint8_t* out = planes.data() + i;
    *out = color ? red : luma(red, green, blue);
    if (!color) continue;
    out[count] = green;
    out[2 * count] = blue;
  }
  return planes;
}

void resize_plane(const std::uint8_t* from, const ImageSize& from_size, std::uint8_t* to, const ImageSize& to_size) {
  const Axis columns = make_axis(from_size.width, to_size.width), rows = make_axis(from_size.height, to_size.height);
  const std::uint64_t total = columns.total * rows.total;
  std::vector<std::uint64_t> sums(static_cast<std::size_t>(to_size.width));
  for (const Taps& row : rows.taps) {
    std::fill(sums.begin(), sums.end(), total / 2);  // rounds
    for (std::size_t i = 0; i < row.weights.size(); ++i) {
      const std::uint8_t* line = from + (row.first + static_cast<std::int64_t>(i)) * from_size.width;
      for (std::size_t x = 0; x < sums.size(); ++x) sums[x] += row.weights[i] * weighted_sum(columns.taps[x], line);
    }
    to = std::transform(sums.begin(), sums.end(), to,
                        [total](std::uint64_t sum) { return static_cast<std::uint8_t>(sum / total); });
  }
}

}  // namespace lacuna::data
