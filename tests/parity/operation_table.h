#pragma once

#include <functional>
#include <limits>
#include <ostream>
#include <string>
#include <vector>

#include "lacuna/backend.h"
#include "parity/comparison.h"
#include "reference/matrix.h"
#include "support/random.h"

namespace lacuna::test {

/// Extents of one check. Operations on matrices of one shape use rows and columns; `inner` is the third extent of the
/// matrix products.
struct Sizes {
  std::int64_t rows = 1, columns = 1, inner = 1;
};

/// What the operands hold: random numbers; zeros; numbers that drive activations to where 1 - h has lost its digits;
/// random numbers and one NaN.
enum class Values { random, zeros, saturated, nan };

/// One row of the table: an operation in one of its variants.
struct OperationCase {
  std::string name;
  std::vector<Values> values;
  /// Runs the operation on a backend and returns what came out beside what must.
  std::function<std::vector<Compared>(Backend&, const Sizes&, Values)> run;
  bool product = false;  ///< uses Sizes::inner
  /// Its place among the variants of the same operation, which share the large sizes out among them.
  std::size_t variant = 0, variants = 1;
  /// Where not empty, these in place of the awkward sizes.
  std::vector<Sizes> sizes = {};

  friend void PrintTo(const OperationCase& operation, std::ostream* stream) { *stream << operation.name; }
};

/// Every operation of step_plan.h in every variant.
std::vector<OperationCase> operation_table();

std::vector<OperationCase> dense_operations();
std::vector<OperationCase> reconstruction_operations();
std::vector<OperationCase> convolution_operations();
std::vector<OperationCase> code_operations();
std::vector<OperationCase> classifier_operations();
std::vector<OperationCase> update_operations();
std::vector<OperationCase> step_operations();
std::vector<OperationCase> noise_operations();
std::vector<OperationCase> top_k_operations();
std::vector<OperationCase> channel_operations();
std::vector<OperationCase> vector_operations();

/// Operands for one check: the same for the same sizes. Everything is rounded to float, so that backend and reference
/// start from the same numbers.
class Operands {
 public:
  Operands(const Sizes& sizes, Values values)
      : values_(values),
        random_(static_cast<std::uint64_t>(sizes.rows + 10000 * sizes.columns + 100000000 * sizes.inner)) {}

  reference::Matrix matrix(std::int64_t rows, std::int64_t columns, double low, double high) {
    reference::Matrix m(rows, columns);
    m.values = vector(rows * columns, low, high);
    return m;
  }
  std::vector<double> vector(std::int64_t elements, double low, double high) {
    std::vector<double> v(static_cast<std::size_t>(elements));
    if (values_ == Values::zeros) return v;
    for (double& value : v) value = static_cast<float>(random_.uniform(low, high));
    return v;
  }
  /// Numbers of either sign and of magnitude between low and high.
  std::vector<double> far_vector(std::int64_t elements, double low, double high) {
    std::vector<double> v = vector(elements, low, high);
    for (double& value : v)
      if (random_.uniform(0, 1) < 0.5) value = -value;
    return v;
  }
  /// With Values::nan, one element in the middle becomes NaN.
  void plant_nan(std::vector<double>& v) const {
    if (values_ == Values::nan) v[v.size() / 2] = std::numeric_limits<double>::quiet_NaN();
  }
  bool saturated() const { return values_ == Values::saturated; }

 private:
  Values values_;
  Random random_;
};

}  // namespace lacuna::test
