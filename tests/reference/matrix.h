#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace lacuna::reference {

/// Row-major.
struct Matrix {
  std::int64_t rows = 0, columns = 0;
  std::vector<double> values;

  Matrix() = default;
  Matrix(std::int64_t r, std::int64_t c) : rows(r), columns(c), values(static_cast<std::size_t>(r * c)) {}
  double& operator()(std::int64_t i, std::int64_t j) { return values[static_cast<std::size_t>(i * columns + j)]; }
  double operator()(std::int64_t i, std::int64_t j) const { return values[static_cast<std::size_t>(i * columns + j)]; }
};

/// x W^T: a layer's forward product. x [M, in], W [out, in].
Matrix forward_product(const Matrix& x, const Matrix& weight);
/// d^T x: the gradient of the layer's weights. d [M, out].
Matrix weight_product(const Matrix& d, const Matrix& x);
/// d W: the gradient of the layer's input.
Matrix input_product(const Matrix& d, const Matrix& weight);
/// Sum over the rows of each column.
std::vector<double> column_sums(const Matrix& m);

}  // namespace lacuna::reference
