// Part of kernels.inl: the k largest of each row.

namespace lacuna::cpu::LACUNA_CPU_TARGET {
namespace {

/// Floats as integers of the same order; infinities included, NaN apart.
std::int32_t order_key(float value) {
  std::int32_t bits = 0;
  __builtin_memcpy(&bits, &value, sizeof bits);
  return bits ^ ((bits >> 31) & 0x7fffffff);
}

float of_order_key(std::int32_t key) {
  const std::int32_t bits = key ^ ((key >> 31) & 0x7fffffff);
  float value = 0;
  __builtin_memcpy(&value, &bits, sizeof value);
  return value;
}

/// How many of the row exceed the threshold; NaN exceeds all.
std::int32_t count_above(const float* __restrict row, std::int64_t columns, float threshold) {
  std::int32_t count = 0;
#pragma omp simd reduction(+ : count)
  for (std::int64_t j = 0; j < columns; ++j) count += row[j] <= threshold ? 0 : 1;
  return count;
}

/// What is kept of a row: all above the threshold, and the first `equals` of those that equal it.
struct Selection {
  float threshold;
  std::int64_t equals;
};

/// Finds the k-th largest of a row by counting how many lie above a guess; the guesses close in on it from both sides.
/// The first one is `guess`, the threshold of the row before, which is rarely far off.
Selection select(const float* row, std::int64_t columns, std::int32_t k, float guess) {
  float lowest = row[0], largest = row[0];
#pragma omp simd reduction(min : lowest) reduction(max : largest)
  for (std::int64_t j = 0; j < columns; ++j) {
    lowest = row[j] < lowest ? row[j] : lowest;
    largest = row[j] > largest ? row[j] : largest;
  }
  // Always: more than `k - 1` lie above `low` or equal the lowest, fewer than k above `high`.
  std::int32_t low = order_key(lowest) - 1, high = order_key(largest);
  std::int32_t above_low = static_cast<std::int32_t>(columns), above_high = 0;
  for (int round = 0; high > low + 1; ++round) {
    const float a = of_order_key(low), b = of_order_key(high);
    float t = round == 0 ? guess : 0.5f * a + 0.5f * b;
    if (round % 2 == 1) {  // as if the values between were spread evenly
      const float share = static_cast<float>(above_low - k) / static_cast<float>(above_low - above_high);
      t = a + share * (b - a);
    }
    std::int32_t key = order_key(t);
    constexpr int kQuickRounds = 24;  // values that crowd together are found by halving their keys
    if (!(key > low && key < high) || round > kQuickRounds)
      key = low + static_cast<std::int32_t>((static_cast<std::int64_t>(high) - low) / 2);
    t = of_order_key(key);
    const std::int32_t above = count_above(row, columns, t);
    if (above == k) return {t, 0};
    if (above > k) {
      low = key;
      above_low = above;
    } else {
      high = key;
      above_high = above;
    }
  }
  const float threshold = of_order_key(high);
  return {threshold, k - count_above(row, columns, threshold)};
}

/// The same for a row with NaN: those come first.
Selection select_with_nan(const float* row, std::int64_t columns, std::int32_t k) {
  std::int32_t nans = 0;
  for (std::int64_t j = 0; j < columns; ++j) nans += row[j] != row[j] ? 1 : 0;
  std::int32_t low = order_key(-__builtin_inff()) - 1, high = order_key(__builtin_inff());
  while (nans < k && high > low + 1) {
    const auto key = static_cast<std::int32_t>(low + (static_cast<std::int64_t>(high) - low) / 2);
    (count_above(row, columns, of_order_key(key)) >= k ? low : high) = key;
  }
  const float threshold = of_order_key(high);
  return {threshold, k - count_above(row, columns, threshold)};
}

/// Writes the row's mask and zeros what is not kept. NaN beyond k is dropped too.
void apply(float* row, std::int64_t columns, const Selection& selection, std::int64_t k, std::uint32_t* kept) {
  std::int64_t equals = selection.equals, nans = k;
  for (std::int64_t begin = 0; begin < columns; begin += 32) {
    const std::int64_t width = columns - begin < 32 ? columns - begin : 32;
    float* word_row = row + begin;
    std::uint32_t word = 0;
    std::int32_t ties = 0;
    if (width == 32) {
#pragma omp simd reduction(| : word) reduction(+ : ties)
      for (int j = 0; j < 32; ++j) {
        word |= (word_row[j] > selection.threshold ? 1u : 0u) << j;
        ties += word_row[j] == selection.threshold || word_row[j] != word_row[j] ? 1 : 0;
      }
    } else {
      for (int j = 0; j < width; ++j) {
        word |= (word_row[j] > selection.threshold ? 1u : 0u) << j;
        ties += word_row[j] == selection.threshold || word_row[j] != word_row[j] ? 1 : 0;
      }
    }
    for (int j = 0; ties > 0 && j < width; ++j) {
      const bool nan = word_row[j] != word_row[j];
      if (nan && nans-- > 0) word |= 1u << j;
      if (word_row[j] == selection.threshold && equals-- > 0) word |= 1u << j;
    }
    if (kept) kept[begin / 32] = word;
    if (width == 32) {
#pragma omp simd
      for (int j = 0; j < 32; ++j) word_row[j] = word >> j & 1u ? word_row[j] : 0.0f;
    } else {
      for (int j = 0; j < width; ++j) word_row[j] = word >> j & 1u ? word_row[j] : 0.0f;
    }
  }
}

/// Where the kept values of a row are added, by columns; either may be nullptr.
struct KeptSums {
  float* sums;
  float* abs_sums;

  void add(std::int64_t column, float value) const {
    if (sums) sums[column] += value;
    if (abs_sums) abs_sums[column] += math::L1Penalty::value(value);
  }
};

Selection select_any(const float* row, std::int64_t columns, std::int32_t k, float guess) {
  std::int32_t nans = 0;
#pragma omp simd reduction(+ : nans)
  for (std::int64_t j = 0; j < columns; ++j) nans += row[j] != row[j] ? 1 : 0;
  return nans > 0 ? select_with_nan(row, columns, k) : select(row, columns, k, guess);
}

/// Rows that would have more candidates are searched as a whole.
constexpr std::int32_t kMostCandidates = 2048;

/// What rows have in common, so that few values of a row exceed what somewhat more than k of the row before exceeded:
/// the k largest are among those. Where they are not, or are too many, the whole row is searched.
class RowSearch {
 protected:
  RowSearch(std::int64_t columns, std::int32_t k)
      : columns_(columns), k_(k), wanted_(smaller(k + k / 2 + 8, columns)), usable_(2 * wanted_ <= kMostCandidates) {}

  void search(float* row, std::uint32_t* kept, const KeptSums& to) {
    const Selection selection = select_any(row, columns_, k_, inner_);
    inner_ = selection.threshold;
    if (usable_) outer_ = select_any(row, columns_, static_cast<std::int32_t>(wanted_), outer_).threshold;
    apply(row, columns_, selection, k_, kept);
    for (std::int64_t j = 0; j < columns_; ++j) to.add(j, row[j]);
  }

  std::int64_t columns_;
  std::int32_t k_;
  std::int64_t wanted_;  ///< how many candidates a row should have
  bool usable_;
  float inner_ = 0, outer_ = 0;  ///< the last row's k-th and wanted_-th largest
};

}  // namespace
}  // namespace lacuna::cpu::LACUNA_CPU_TARGET

#if defined(__AVX512F__)
#include "cpu/top_k_avx512.inl"
#else
#include "cpu/top_k_words.inl"
#endif

namespace lacuna::cpu::LACUNA_CPU_TARGET {
namespace {

void top_k(const TopKArgs& p) {
  const auto wanted = static_cast<std::int64_t>(p.scalars->kept_units);
  const auto k = static_cast<std::int32_t>(wanted < p.columns ? wanted : p.columns);
  const std::int64_t words = (p.columns + 31) / 32;
  on_threads(p.threads, [&] {
    ColumnSums column_sums(p.partials, p.column_sums ? p.columns : 0);
    ColumnSums column_abs_sums(p.abs_partials, p.column_abs_sums ? p.columns : 0);
    const KeptSums to{p.column_sums ? column_sums.block() : nullptr,
                      p.column_abs_sums ? column_abs_sums.block() : nullptr};
    const Part mine = share(p.rows, 1);
    RowsTopK rows(p.columns, k);
    for (std::int64_t i = mine.begin; i < mine.end; ++i) {
      float* row = p.values + i * p.columns;
      const float* next = i + 1 < mine.end ? row + p.columns : row;
      rows.keep(row, next, p.kept ? p.kept + i * words : nullptr, to);
      if (p.column_sums) column_sums.end_row();
      if (p.column_abs_sums) column_abs_sums.end_row();
    }
    column_sums.flush();
    column_abs_sums.flush();
#pragma omp barrier
    if (p.column_sums) add_partials(p.partials, p.columns, p.column_sums);
    if (p.column_abs_sums) add_partials(p.abs_partials, p.columns, p.column_abs_sums);
  });
}

}  // namespace
}  // namespace lacuna::cpu::LACUNA_CPU_TARGET
