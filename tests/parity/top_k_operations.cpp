#include <cmath>
#include <limits>

#include "parity/operation_table.h"
#include "parity/plan_runner.h"
#include "reference/formulas.h"

namespace lacuna::test {
namespace {

using reference::Matrix;

struct TopKVariant {
  std::int64_t (*units)(std::int64_t columns);  ///< how many are kept
  bool kept = false, sums = false, abs_sums = false;
};

/// Every other value lies on a coarse grid, so that there are ties in every row. Saturated: from the smallest floats to
/// the largest, both zeros, and infinities where nothing is summed.
Matrix candidates(Operands& operands, const Sizes& s, Values values, bool summed) {
  Matrix h = operands.matrix(s.rows, s.columns, -1.0, 1.0);
  const double largest = summed ? 0x1p100 : std::numeric_limits<double>::infinity();
  const double extremes[] = {0.0, -0.0, 0x1p-149, -0x1p-149, largest, -largest, 0x1p-126, 1.0, -0x1p100};
  for (std::size_t i = 0; i < h.values.size(); ++i) {
    double& v = h.values[i];
    if (i % 2 == 0) v = std::round(4 * v) / 4;
    if (operands.saturated()) v = extremes[static_cast<std::size_t>(std::abs(v) * 1e4) % std::size(extremes)];
    if (values == Values::nan && i % 7 == 3) v = std::numeric_limits<double>::quiet_NaN();
  }
  return h;
}

std::vector<Compared> top_k(Backend& backend, const Sizes& s, Values values, const TopKVariant& variant) {
  Operands operands(s, values);
  const Matrix h = candidates(operands, s, values, variant.sums || variant.abs_sums);
  const std::int64_t k = variant.units(s.columns), words = (s.columns + 31) / 32;
  PlanRunner runner(backend);
  TopK op;
  op.values = runner.matrix("values", h);
  op.scalars = runner.scalars({.kept_units = static_cast<float>(k)});
  if (variant.kept) op.kept = runner.result_integers("kept", {s.rows, words});
  if (variant.sums) op.column_sums = runner.result("column_sums", {s.columns});
  if (variant.abs_sums) op.column_abs_sums = runner.result("column_abs_sums", {s.columns});
  runner.run(op);

  Matrix expected(s.rows, s.columns), magnitudes(s.rows, s.columns);
  std::vector<std::uint32_t> mask(static_cast<std::size_t>(s.rows * words));
  for (std::int64_t i = 0; i < s.rows; ++i) {
    const double* row = h.values.data() + i * s.columns;
    const std::vector<bool> stays = reference::largest({row, row + s.columns}, std::min(k, s.columns));
    for (std::int64_t j = 0; j < s.columns; ++j) {
      if (!stays[static_cast<std::size_t>(j)]) continue;
      expected(i, j) = row[j];
      magnitudes(i, j) = std::abs(row[j]);
      mask[static_cast<std::size_t>(i * words + j / 32)] |= 1u << (j % 32);
    }
  }
  std::vector<Compared> results{exactly("values", runner.read(op.values), expected.values)};
  if (variant.kept) {
    std::vector<double> bits;
    for (std::uint32_t word : mask) bits.push_back(static_cast<std::int32_t>(word));
    results.push_back(exactly("kept", runner.read(op.kept), bits));
  }
  const std::vector<double> sizes = column_sums(magnitudes);
  std::vector<double> bounds;
  for (double size : sizes) bounds.push_back(static_cast<double>(s.rows) * kUlp * size);
  if (variant.sums) results.push_back({"column_sums", runner.read(op.column_sums), column_sums(expected), bounds});
  if (variant.abs_sums) results.push_back({"column_abs_sums", runner.read(op.column_abs_sums), sizes, bounds});
  return results;
}

}  // namespace

std::vector<OperationCase> top_k_operations() {
  const auto one = [](std::int64_t) -> std::int64_t { return 1; };
  const auto tenth = [](std::int64_t columns) { return (columns + 9) / 10; };
  const auto most = [](std::int64_t columns) { return (3 * columns + 3) / 4; };
  const auto more = [](std::int64_t columns) { return columns + 5; };
  const std::pair<const char*, TopKVariant> variants[] = {
      {"top_k", {.units = tenth, .kept = true}},
      {"top_k_one", {.units = one, .kept = true, .abs_sums = true}},
      {"top_k_most", {.units = most, .sums = true, .abs_sums = true}},
      {"top_k_all", {.units = more, .kept = true, .sums = true}},
  };
  const std::vector<Values> all{Values::random, Values::zeros, Values::saturated, Values::nan};
  std::vector<OperationCase> rows;
  for (const auto& [name, variant] : variants)
    rows.push_back({name, all, [variant = variant](Backend& backend, const Sizes& s, Values v) {
                      return top_k(backend, s, v, variant);
                    }});
  // Where a kernel may change its mind about how it goes through a row.
  OperationCase widths = rows.front();
  widths.name = "top_k_widths";
  widths.sizes = {{3, 256}, {2, 257}, {2, 1024}, {3, 1025}, {2, 2048}, {2, 2049}, {9, 2048}, {2, 4096}, {1, 9000}};
  rows.push_back(widths);
  return rows;
}

}  // namespace lacuna::test
