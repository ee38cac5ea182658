// Every operation of a step plan, on every listed backend, against double precision from the same rounded operands.

#include <gtest/gtest.h>

#include <algorithm>

#include "parity/backends.h"
#include "parity/operation_table.h"

namespace lacuna::test {

namespace {

constexpr std::int64_t kAwkward[] = {1, 31, 32, 33, 127, 1000, 1023, 4097};
constexpr std::int64_t kLargestMatrix = 140'000;
constexpr std::int64_t kLargestProduct = 2'500'000;

/// Every variant runs on all small sizes and with all values.
bool is_small(const OperationCase& operation, const Sizes& s, std::int64_t slower) {
  return operation.product ? s.rows * s.columns * s.inner <= 40'000 / slower : s.rows * s.columns <= 4'100 / slower;
}

/// Its own sizes, or all pairs, or triples, of awkward ones that stay below the limits; of the large ones, this
/// variant's share.
std::vector<Sizes> sizes_for(const OperationCase& operation, std::int64_t slower) {
  std::vector<Sizes> small, large;
  if (!operation.sizes.empty()) {
    for (const Sizes& s : operation.sizes)
      if (small.empty() || s.rows <= 40 / slower) small.push_back(s);
    return small;
  }
  for (std::int64_t rows : kAwkward)
    for (std::int64_t columns : kAwkward)
      for (std::int64_t inner : kAwkward) {
        if (!operation.product && inner > 1) continue;
        if (std::max({rows * columns, rows * inner, columns * inner}) > kLargestMatrix / slower) continue;
        if (rows * columns * inner > kLargestProduct / slower) continue;
        const Sizes sizes{rows, columns, inner};
        (is_small(operation, sizes, slower) ? small : large).push_back(sizes);
      }
  for (std::size_t i = operation.variant; i < large.size(); i += operation.variants) small.push_back(large[i]);
  return small;
}

const char* name_of(Values values) {
  constexpr const char* kNames[] = {"random", "zeros", "saturated", "nan"};
  return kNames[static_cast<int>(values)];
}

/// Matrix products and convolutions: what another precision than fp32 changes. The others are the same code.
bool multiplies(const OperationCase& operation) {
  return operation.product || !operation.sizes.empty();
}

/// In few numbers the terms of a sum may cancel, and then the digits that the operands have lost are many of what is
/// left: no bound holds for the relative error of those.
bool is_comparable(const Compared& compared, Precision precision) {
  constexpr std::size_t kEnough = 31;
  return precision == Precision::fp32 || !compared.bounds.empty() || compared.expected.size() >= kEnough;
}

struct Instance {
  BackendFactory backend;
  OperationCase operation;

  friend void PrintTo(const Instance& instance, std::ostream* stream) { *stream << instance.operation.name; }
};

std::vector<Instance> instances() {
  std::vector<Instance> list;
  for (const BackendFactory& backend : parity_backends())
    for (const OperationCase& operation : operation_table())
      if (backend.precision == Precision::fp32 || multiplies(operation)) list.push_back({backend, operation});
  return list;
}

class OperationParity : public testing::TestWithParam<Instance> {};

TEST_P(OperationParity, AgreesWithDoublePrecision) {
  const OperationCase& operation = GetParam().operation;
  const std::unique_ptr<Backend> backend = GetParam().backend.make();
  const std::int64_t slower = GetParam().backend.slower;
  const Precision precision = GetParam().backend.precision;
  for (const Sizes& s : sizes_for(operation, slower))
    for (Values values : operation.values) {
      if (values != Values::random && !is_small(operation, s, slower)) continue;
      for (const Compared& compared : operation.run(*backend, s, values))
        EXPECT_TRUE(!is_comparable(compared, precision) || agrees(compared, precision))
            << "rows " << s.rows << ", columns " << s.columns << ", inner " << s.inner << ", " << name_of(values);
      if (HasFailure()) return;  // one size is enough to say
    }
}

INSTANTIATE_TEST_SUITE_P(Each, OperationParity, testing::ValuesIn(instances()), [](const auto& instance) {
  std::string name = instance.param.operation.name + "_on_" + instance.param.backend.name;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
});

}  // namespace
}  // namespace lacuna::test
