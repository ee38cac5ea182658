#pragma once

#include <cstdint>

// Products with a code of which few units are kept. Four of the five products of a step have the code h [M, H], or the
// gradient with respect to it, as an operand, and all but k of each row's H values are zero: going through the kept
// units alone does k / H of their arithmetic.

namespace lacuna::cpu {

/// Scratch of column sums: two padded rows per thread, added up in thread order.
struct ColumnPartials {
  float* sums = nullptr;  ///< [threads, 2, stride]
  std::int64_t stride = 0;
};

/// The kept units of a code [rows, units], by samples and by units.
struct KeptEntries {
  std::int64_t rows = 0, units = 0;
  std::int64_t most = 0;           ///< entries that there is room for in each row
  std::int32_t* count = nullptr;   ///< [rows]
  std::int32_t* unit = nullptr;    ///< [rows, most]: of entry e of a row, in ascending order
  std::int32_t* place = nullptr;   ///< [rows, most]: where that entry is among those by units
  std::int32_t* begin = nullptr;   ///< [units + 1]: unit u has the places from begin[u] on, up to begin[u + 1]
  std::int32_t* next = nullptr;    ///< [threads, units]: work space of listing
  std::int32_t* total = nullptr;   ///< [threads]: the same
  std::int32_t* sample = nullptr;  ///< [rows * most], by units, a unit's samples in ascending order
  float* value = nullptr;          ///< [rows * most], by units: a gradient's work space
};

/// Memory for entries that `threads` list; lay_out() returns the bytes needed and, given memory, sets the pointers
/// into it.
std::int64_t lay_out(KeptEntries& entries, int threads, void* memory);

struct ListKeptArgs {
  KeptEntries entries;        ///< filled
  const std::uint32_t* kept;  ///< [rows, ceil(units / 32)], as TopK writes it
  int threads;
};

/// out [rows, columns] = values weight. Rows of `weight` are readable one vector past their end.
struct KeptProductArgs {
  KeptEntries entries;
  const float* values;  ///< [rows, units], read where kept
  const float* weight;  ///< [units, columns]
  float* out;
  std::int64_t columns;
  int threads;
};

/// gradient [rows, units] = delta weight^T, where kept; the rest stays as it is.
struct KeptDotsArgs {
  KeptEntries entries;
  const float* delta;   ///< [rows, columns]
  const float* weight;  ///< [units, columns]
  float* gradient;
  std::int64_t columns;
  int threads;
};

/// gradient [units, columns] (+)= values^T source. Rows of `source` are readable one vector past their end.
struct KeptGradientArgs {
  KeptEntries entries;
  const float* values;  ///< [rows, units], read where kept
  const float* source;  ///< [rows, columns]
  float* gradient;
  std::int64_t columns;
  bool accumulate;
  int threads;
};

/// gradient <- gradient * activation'(output) where kept and 0 elsewhere, in place; bias_gradient = its column sums.
struct KeptActivationArgs {
  KeptEntries entries;
  float* gradient;      ///< [rows, units]
  const float* output;  ///< [rows, units]
  float* bias_gradient;
  ColumnPartials partials;
  int threads;
};

}  // namespace lacuna::cpu
