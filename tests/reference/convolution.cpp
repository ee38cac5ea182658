#include "reference/convolution.h"

namespace lacuna::reference {
namespace {

/// The definition, of which the three products are the three readings: f(input, weight, output) for each term
/// output += input * weight of one sample.
template <class F>
void for_each_term(const Convolution& c, const F& f) {
  const std::int64_t height = c.height_out(), width = c.width_out();
  // A transposed convolution goes from the small extents to the large ones, by the same pairs of places.
  const std::int64_t small_h = c.transposed ? c.height_in : height, small_w = c.transposed ? c.width_in : width;
  const std::int64_t large_h = c.transposed ? height : c.height_in, large_w = c.transposed ? width : c.width_in;
  for (std::int64_t in = 0; in < c.channels_in; ++in)
    for (std::int64_t out = 0; out < c.channels_out; ++out)
      for (std::int64_t ky = 0; ky < c.kernel; ++ky)
        for (std::int64_t kx = 0; kx < c.kernel; ++kx)
          for (std::int64_t sy = 0; sy < small_h; ++sy)
            for (std::int64_t sx = 0; sx < small_w; ++sx) {
              const std::int64_t ly = sy * c.stride + ky - c.padding, lx = sx * c.stride + kx - c.padding;
              if (ly < 0 || ly >= large_h || lx < 0 || lx >= large_w) continue;
              const std::int64_t iy = c.transposed ? sy : ly, ix = c.transposed ? sx : lx;
              const std::int64_t oy = c.transposed ? ly : sy, ox = c.transposed ? lx : sx;
              const std::int64_t pair = c.transposed ? in * c.channels_out + out : out * c.channels_in + in;
              f((in * c.height_in + iy) * c.width_in + ix, (pair * c.kernel + ky) * c.kernel + kx,
                (out * height + oy) * width + ox);
            }
}

}  // namespace

Matrix convolution_product(const Convolution& convolution, const Matrix& x, const Matrix& weight) {
  Matrix y(x.rows, convolution.outputs());
  for (std::int64_t m = 0; m < x.rows; ++m)
    for_each_term(convolution, [&](std::int64_t i, std::int64_t w, std::int64_t o) {
      y(m, o) += x(m, i) * weight.values[static_cast<std::size_t>(w)];
    });
  return y;
}

Matrix convolution_weight_product(const Convolution& convolution, const Matrix& d, const Matrix& x) {
  const Shape shape = convolution.weight_shape();
  Matrix g(shape[0], shape[1] * shape[2] * shape[3]);
  for (std::int64_t m = 0; m < x.rows; ++m)
    for_each_term(convolution, [&](std::int64_t i, std::int64_t w, std::int64_t o) {
      g.values[static_cast<std::size_t>(w)] += d(m, o) * x(m, i);
    });
  return g;
}

Matrix convolution_input_product(const Convolution& convolution, const Matrix& d, const Matrix& weight) {
  Matrix g(d.rows, convolution.inputs());
  for (std::int64_t m = 0; m < d.rows; ++m)
    for_each_term(convolution, [&](std::int64_t i, std::int64_t w, std::int64_t o) {
      g(m, i) += d(m, o) * weight.values[static_cast<std::size_t>(w)];
    });
  return g;
}

}  // namespace lacuna::reference
