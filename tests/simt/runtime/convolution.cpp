#include "runtime/convolution.h"

#include <vector>

#include "device/rounding.h"

namespace simt::detail {
namespace {

double rounded(float value, bool tf32) {
  return tf32 ? round_to_tf32(value) : value;
}

/// Calls f(element of x, element of w, element of y) for every product.
template <typename F>
void for_each_product(const ConvolutionShape& s, const F& f) {
  for (std::int64_t n = 0; n < s.samples; ++n)
    for (std::int64_t k = 0; k < s.filters; ++k)
      for (std::int64_t c = 0; c < s.channels; ++c)
        for (std::int64_t i = 0; i < s.kernel_height; ++i)
          for (std::int64_t j = 0; j < s.kernel_width; ++j) {
            const std::int64_t w = ((k * s.channels + c) * s.kernel_height + i) * s.kernel_width + j;
            for (std::int64_t p = 0; p < s.out_height; ++p) {
              const std::int64_t row = p * s.stride[0] + i * s.dilation[0] - s.padding[0];
              if (row < 0 || row >= s.height) continue;
              for (std::int64_t q = 0; q < s.out_width; ++q) {
                const std::int64_t column = q * s.stride[1] + j * s.dilation[1] - s.padding[1];
                if (column < 0 || column >= s.width) continue;
                f(((n * s.channels + c) * s.height + row) * s.width + column, w,
                  ((n * s.filters + k) * s.out_height + p) * s.out_width + q);
              }
            }
          }
}

void finish(const std::vector<double>& sums, float alpha, float beta, float* result) {
  for (std::size_t i = 0; i < sums.size(); ++i) {
    const double sum = static_cast<double>(alpha) * sums[i];
    result[i] = static_cast<float>(beta == 0 ? sum : sum + static_cast<double>(beta) * static_cast<double>(result[i]));
  }
}

}  // namespace

void convolve(const ConvolutionShape& shape, ConvolutionResult result, float* x, float* w, float* y, float alpha,
              float beta, bool tf32) {
  std::vector<double> sums;
  switch (result) {
    case ConvolutionResult::output:
      sums.resize(static_cast<std::size_t>(shape.output_elements()));
      for_each_product(shape, [&](std::int64_t xi, std::int64_t wi, std::int64_t yi) {
        sums[static_cast<std::size_t>(yi)] += rounded(x[xi], tf32) * rounded(w[wi], tf32);
      });
      return finish(sums, alpha, beta, y);
    case ConvolutionResult::input:
      sums.resize(static_cast<std::size_t>(shape.input_elements()));
      for_each_product(shape, [&](std::int64_t xi, std::int64_t wi, std::int64_t yi) {
        sums[static_cast<std::size_t>(xi)] += rounded(y[yi], tf32) * rounded(w[wi], tf32);
      });
      return finish(sums, alpha, beta, x);
    case ConvolutionResult::weight:
      sums.resize(static_cast<std::size_t>(shape.weight_elements()));
      for_each_product(shape, [&](std::int64_t xi, std::int64_t wi, std::int64_t yi) {
        sums[static_cast<std::size_t>(wi)] += rounded(x[xi], tf32) * rounded(y[yi], tf32);
      });
      return finish(sums, alpha, beta, w);
  }
}

}  // namespace simt::detail
