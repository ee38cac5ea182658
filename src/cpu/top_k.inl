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

/// Bit j says whether row[j] exceeds the threshold or is NaN, for 32 elements.
std::uint32_t bits_above(const float* row, float threshold) {
#if defined(__AVX512F__)
  const __m512 t = _mm512_set1_ps(threshold);
  const auto low = static_cast<std::uint32_t>(_mm512_cmp_ps_mask(_mm512_loadu_ps(row), t, _CMP_NLE_UQ));
  return low | static_cast<std::uint32_t>(_mm512_cmp_ps_mask(_mm512_loadu_ps(row + 16), t, _CMP_NLE_UQ)) << 16;
#elif defined(__AVX2__)
  const __m256 t = _mm256_set1_ps(threshold);
  std::uint32_t bits = 0;
#pragma GCC unroll 4
  for (int v = 0; v < 4; ++v) {
    const __m256 above = _mm256_cmp_ps(_mm256_loadu_ps(row + 8 * v), t, _CMP_NLE_UQ);
    bits |= static_cast<std::uint32_t>(_mm256_movemask_ps(above)) << (8 * v);
  }
  return bits;
#else
  std::uint32_t bits = 0;
  for (int j = 0; j < 32; ++j) bits |= (row[j] <= threshold ? 0u : 1u) << j;
  return bits;
#endif
}

/// The few elements of a row that exceed a threshold, in order.
struct Candidates {
  static constexpr std::int32_t kMost = 2048;
  static constexpr std::int32_t kOverrun = 24;  // may be written past the last one
  std::int32_t count;
  std::int32_t index[kMost + kOverrun];
  float value[kMost + kOverrun];

  /// Adds the elements of a word's bits. Most words have few: four at a time are written without asking how many there
  /// are, which could not be foreseen, and what is too much is written over.
  void add(std::int32_t begin, std::uint32_t bits) {
    const std::int32_t end = count + __builtin_popcount(bits);
    do {
      for (std::int32_t i = 0; i < 4; ++i) {
        index[count + i] = begin + __builtin_ctz(bits | 1u << 31);
        bits &= bits - 1;
      }
      count += 4;
    } while (count < end);
    count = end;
  }
};

/// Collects what exceeds the threshold; returns false if that is more than `most`. Fetches the `next` row on the way.
bool collect(const float* row, const float* next, std::int64_t columns, float threshold, std::int32_t most,
             Candidates& found) {
  constexpr std::int64_t kWords = 32;
  found.count = 0;
  for (std::int64_t begin = 0; begin < columns; begin += 32 * kWords) {
    const std::int64_t whole = smaller((columns - begin) / 32, kWords);
    std::uint32_t bits[kWords];
    std::int32_t above = 0;
    std::int64_t words = whole;
    for (std::int64_t w = 0; w < whole; ++w) {
      __builtin_prefetch(next + begin + 32 * w, 1);
      __builtin_prefetch(next + begin + 32 * w + 16, 1);
      bits[w] = bits_above(row + begin + 32 * w, threshold);
      above += __builtin_popcount(bits[w]);
    }
    if (whole < kWords && begin + 32 * whole < columns) {
      bits[words] = 0;
      for (std::int64_t j = begin + 32 * whole; j < columns; ++j)
        bits[words] |= (row[j] <= threshold ? 0u : 1u) << (j % 32);
      above += __builtin_popcount(bits[words++]);
    }
    if (found.count + above > most) return false;
    for (std::int64_t w = 0; w < words; ++w) found.add(static_cast<std::int32_t>(begin + 32 * w), bits[w]);
  }
  for (std::int32_t i = 0; i < found.count; ++i) found.value[i] = row[found.index[i]];
  // Filled up with what exceeds nothing, so that counting needs no remainder.
  for (std::int32_t i = 0; i < Candidates::kOverrun; ++i) found.value[found.count + i] = threshold;
  return true;
}

/// Not by memset, which takes longer to begin than a row takes.
void set_zero(float* row, std::int64_t columns) {
  std::int64_t j = 0;
#if defined(__AVX2__)
  for (; j + 32 <= columns; j += 32)
    for (std::int64_t v = 0; v < 4; ++v) _mm256_storeu_ps(row + j + 8 * v, _mm256_setzero_ps());
#endif
  for (; j < columns; ++j) row[j] = 0.0f;
}

/// The value where the mark is 1, and 0 where it is 0.
float masked(float value, std::uint32_t mark) {
  std::uint32_t bits = 0;
  __builtin_memcpy(&bits, &value, sizeof bits);
  bits &= 0u - mark;
  __builtin_memcpy(&value, &bits, sizeof value);
  return value;
}

/// Marks the k largest of a few candidates by counting for each how many are larger: no branch, which could not be
/// foreseen. Returns false where that does not settle it: the k-th equals the next, or there is NaN.
bool mark_by_rank(const Candidates& found, std::int32_t k, std::uint32_t* marks) {
  typedef float Floats __attribute__((vector_size(32)));
  typedef std::int32_t Integers __attribute__((vector_size(32)));
  constexpr std::int32_t kCompared = 24;  // at a time: their values and counts stay in registers
  Integers marked = {};
  for (std::int32_t begin = 0; begin < found.count; begin += kCompared) {
    Floats values[3];
    Integers larger[3] = {};
    __builtin_memcpy(values, found.value + begin, sizeof values);
    for (std::int32_t j = 0; j < found.count; ++j) {
      const Floats other = found.value[j] - Floats{};
      larger[0] -= other > values[0];
      larger[1] -= other > values[1];
      larger[2] -= other > values[2];
    }
    // What the candidates are filled up with is smaller than all of them, so it is not marked.
    for (Integers& v : larger) {
      v = -(v < k);
      marked += v;
    }
    __builtin_memcpy(marks + begin, larger, sizeof larger);
  }
  std::int32_t total = 0;
  for (int i = 0; i < 8; ++i) total += marked[i];
  return total == k;
}

/// Marks the k largest by their threshold, ties by lowest index, NaN before all.
void mark_by_threshold(const Candidates& found, std::int32_t k, const Selection& selection, std::uint32_t* marks) {
  std::int64_t equals = selection.equals, nans = k;
  for (std::int32_t i = 0; i < found.count; ++i) {
    const float value = found.value[i];
    bool keep = value > selection.threshold;
    if (value != value)
      keep = nans-- > 0;
    else if (value == selection.threshold)
      keep = equals-- > 0;
    marks[i] = keep ? 1 : 0;
  }
}

Selection select_any(const float* row, std::int64_t columns, std::int32_t k, float guess) {
  std::int32_t nans = 0;
#pragma omp simd reduction(+ : nans)
  for (std::int64_t j = 0; j < columns; ++j) nans += row[j] != row[j] ? 1 : 0;
  return nans > 0 ? select_with_nan(row, columns, k) : select(row, columns, k, guess);
}

/// The k largest of row after row. Rows of a code are alike: few values of a row exceed a threshold that somewhat more
/// than k of the row before exceeded, and the k largest are among those. Where they are not, or are too many, the
/// whole row is searched.
class RowsTopK {
 public:
  RowsTopK(std::int64_t columns, std::int32_t k)
      : columns_(columns), k_(k), wanted_(smaller(k + k / 2 + 8, columns)), usable_(2 * wanted_ <= Candidates::kMost) {}

  /// Zeros all but the k largest of the row, sets their bits, and calls f(column, value) for each. `next` will be next.
  template <class F>
  void keep(float* row, const float* next, std::uint32_t* kept, const F& f) {
    const bool found = usable_ &&
                       collect(row, next, columns_, outer_, static_cast<std::int32_t>(2 * wanted_), candidates_) &&
                       candidates_.count >= k_;
    if (!found) return search(row, kept, f);
    mark();
    set_zero(row, columns_);
    if (kept)
      for (std::int64_t w = 0; w < (columns_ + 31) / 32; ++w) kept[w] = 0;
    for (std::int32_t i = 0; i < candidates_.count; ++i) {
      const auto j = static_cast<std::uint32_t>(candidates_.index[i]);
      // No branch on the mark: it could not be foreseen.
      const float value = masked(candidates_.value[i], marks_[i]);
      row[j] = value;
      if (kept) kept[j / 32] |= marks_[i] << (j % 32);
      f(j, value);
    }
  }

 private:
  void mark() {
    constexpr std::int32_t kFew = 72;
    if (candidates_.count <= kFew && mark_by_rank(candidates_, k_, marks_)) return;
    constexpr std::int64_t kBlock = 16;
    const std::int64_t filled_up = quotient_up(candidates_.count, kBlock) * kBlock;
    const Selection selection = select_any(candidates_.value, filled_up, k_, inner_);
    inner_ = selection.threshold;
    mark_by_threshold(candidates_, k_, selection, marks_);
  }

  template <class F>
  void search(float* row, std::uint32_t* kept, const F& f) {
    const Selection selection = select_any(row, columns_, k_, inner_);
    inner_ = selection.threshold;
    if (usable_) outer_ = select_any(row, columns_, static_cast<std::int32_t>(wanted_), outer_).threshold;
    apply(row, columns_, selection, k_, kept);
    for (std::int64_t j = 0; j < columns_; ++j) f(j, row[j]);
  }

  std::int64_t columns_;
  std::int32_t k_;
  std::int64_t wanted_;  ///< how many candidates a row should have
  bool usable_;
  float inner_ = 0, outer_ = 0;  ///< the last row's k-th and wanted_-th largest
  Candidates candidates_;
  std::uint32_t marks_[Candidates::kMost + Candidates::kOverrun];  ///< 1: kept, 0: not
};

void top_k(const TopKArgs& p) {
  const auto wanted = static_cast<std::int64_t>(p.scalars->kept_units);
  const auto k = static_cast<std::int32_t>(wanted < p.columns ? wanted : p.columns);
  const std::int64_t words = (p.columns + 31) / 32;
  on_threads(p.threads, [&] {
    ColumnSums column_sums(p.partials, p.column_sums ? p.columns : 0);
    ColumnSums column_abs_sums(p.abs_partials, p.column_abs_sums ? p.columns : 0);
    float* __restrict sums = column_sums.block();
    float* __restrict abs_sums = column_abs_sums.block();
    const Part mine = share(p.rows, 1);
    RowsTopK rows(p.columns, k);
    for (std::int64_t i = mine.begin; i < mine.end; ++i) {
      float* row = p.values + i * p.columns;
      const float* next = i + 1 < mine.end ? row + p.columns : row;
      rows.keep(row, next, p.kept ? p.kept + i * words : nullptr, [&](std::int64_t j, float value) {
        if (p.column_sums) sums[j] += value;
        if (p.column_abs_sums) abs_sums[j] += math::L1Penalty::value(value);
      });
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
