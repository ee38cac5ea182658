// Part of kernels.inl: the k largest of a row by bits, a word of 32 elements at a time.

namespace lacuna::cpu::LACUNA_CPU_TARGET {
namespace {

/// Bit j says whether row[j] exceeds the threshold or is NaN, for 32 elements.
std::uint32_t bits_above(const float* row, float threshold) {
#if defined(__AVX2__)
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
  static constexpr std::int32_t kOverrun = 24;  // may be written past the last one
  std::int32_t count;
  std::int32_t index[kMostCandidates + kOverrun];
  float value[kMostCandidates + kOverrun];

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

/// The k largest of row after row.
class RowsTopK : RowSearch {
 public:
  RowsTopK(std::int64_t columns, std::int32_t k) : RowSearch(columns, k) {}

  /// Zeros all but the k largest of the row, sets their bits, and adds them to the sums. `next` will be next.
  void keep(float* row, const float* next, std::uint32_t* kept, const KeptSums& to) {
    const bool found = usable_ &&
                       collect(row, next, columns_, outer_, static_cast<std::int32_t>(2 * wanted_), candidates_) &&
                       candidates_.count >= k_;
    if (!found) return search(row, kept, to);
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
      to.add(j, value);
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

  Candidates candidates_;
  std::uint32_t marks_[kMostCandidates + Candidates::kOverrun];  ///< 1: kept, 0: not
};

}  // namespace
}  // namespace lacuna::cpu::LACUNA_CPU_TARGET
