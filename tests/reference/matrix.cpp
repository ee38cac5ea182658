#include "reference/matrix.h"

namespace lacuna::reference {

Matrix forward_product(const Matrix& x, const Matrix& weight) {
  Matrix a(x.rows, weight.rows);
  for (std::int64_t i = 0; i < a.rows; ++i)
    for (std::int64_t j = 0; j < a.columns; ++j)
      for (std::int64_t k = 0; k < x.columns; ++k) a(i, j) += x(i, k) * weight(j, k);
  return a;
}

Matrix weight_product(const Matrix& d, const Matrix& x) {
  Matrix g(d.columns, x.columns);
  for (std::int64_t i = 0; i < d.rows; ++i)
    for (std::int64_t j = 0; j < d.columns; ++j)
      for (std::int64_t k = 0; k < x.columns; ++k) g(j, k) += d(i, j) * x(i, k);
  return g;
}

Matrix input_product(const Matrix& d, const Matrix& weight) {
  Matrix g(d.rows, weight.columns);
  for (std::int64_t i = 0; i < d.rows; ++i)
    for (std::int64_t j = 0; j < d.columns; ++j)
      for (std::int64_t k = 0; k < weight.columns; ++k) g(i, k) += d(i, j) * weight(j, k);
  return g;
}

std::vector<double> column_sums(const Matrix& m) {
  std::vector<double> sums(static_cast<std::size_t>(m.columns));
  for (std::int64_t i = 0; i < m.rows; ++i)
    for (std::int64_t j = 0; j < m.columns; ++j) sums[static_cast<std::size_t>(j)] += m(i, j);
  return sums;
}

}  // namespace lacuna::reference
