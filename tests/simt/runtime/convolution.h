#pragma once

#include <cstddef>
#include <cstdint>

namespace simt::detail {

/// y[n, k, p, q] = sum over c, i, j of x[n, c, p stride + i dilation - padding, ...] w[k, c, i, j], all stored with the
/// last index next to each other.
struct ConvolutionShape {
  std::int64_t samples = 0, channels = 0, height = 0, width = 0;  ///< x
  std::int64_t filters = 0, kernel_height = 0, kernel_width = 0;  ///< w
  std::int64_t out_height = 0, out_width = 0;                     ///< y
  std::int64_t padding[2] = {}, stride[2] = {}, dilation[2] = {};

  std::int64_t input_elements() const { return samples * channels * height * width; }
  std::int64_t weight_elements() const { return filters * channels * kernel_height * kernel_width; }
  std::int64_t output_elements() const { return samples * filters * out_height * out_width; }
};

/// Which of x, w and y is computed from the other two.
enum class ConvolutionResult : std::uint8_t { input, weight, output };

/// result = alpha * sum + beta * result, sums in double. With `tf32` operands are rounded to its 10 bits first.
/// Compiled without sanitizers: check the operands first.
void convolve(const ConvolutionShape& shape, ConvolutionResult result, float* x, float* w, float* y, float alpha,
              float beta, bool tf32);

}  // namespace simt::detail
