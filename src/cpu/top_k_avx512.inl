// Part of kernels.inl: the k largest of a row by packing the candidates.

namespace lacuna::cpu::LACUNA_CPU_TARGET {
namespace {

/// The first n lanes.
__mmask16 lanes_below(std::int64_t n) {
  return n >= 16 ? __mmask16{0xffff} : static_cast<__mmask16>((1u << n) - 1);
}

/// The row to come, fetched a line at a time all through the search of this one, so that memory never rests.
class RowToCome {
 public:
  RowToCome(const float* row, std::int64_t columns) : row_(row), columns_(columns) {}

  /// Nothing once all of it is fetched.
  void fetch_line() {
    if (at_ >= columns_) return;
    __builtin_prefetch(row_ + at_, 1);
    at_ += 16;
  }

 private:
  const float* row_;
  std::int64_t columns_, at_ = 0;
};

/// Packs the values that exceed the threshold, or are NaN; returns how many there are, or -1 if more than `most`.
/// May write 16 values past the last one.
std::int32_t collect_values(const float* row, RowToCome& next, std::int64_t columns, float threshold, std::int32_t most,
                            float* found) {
  const __m512 limit = _mm512_set1_ps(threshold);
  std::int32_t count = 0;
  for (std::int64_t j = 0; j < columns; j += 16) {
    if (j % 64 == 0) next.fetch_line();  // the rest while it is ranked and written
    const __mmask16 lanes = lanes_below(columns - j);
    const __m512 values = _mm512_maskz_loadu_ps(lanes, row + j);
    const __mmask16 above = _mm512_mask_cmp_ps_mask(lanes, values, limit, _CMP_NLE_UQ);
    // Packed in a register: to pack into memory takes some processors a hundred cycles.
    _mm512_storeu_ps(found + count, _mm512_maskz_compress_ps(above, values));
    count += __builtin_popcount(above);
    if (count > most) return -1;
  }
  return count;
}

constexpr int kRankedVectors = 4;
constexpr std::int32_t kRanked = 16 * kRankedVectors;

/// The k-th largest of up to kRanked values by counting for each how many are larger: no branch, which could not be
/// foreseen. Lanes past `count` hold what is smaller than all of them. Returns false where that does not settle it: the
/// k-th equals the next, or there is NaN.
bool kth_by_rank(const float* found, std::int32_t count, std::int32_t k, RowToCome& next, float& kth) {
  __m512 values[kRankedVectors];
  __m512i larger[kRankedVectors];
  for (int v = 0; v < kRankedVectors; ++v) {
    values[v] = _mm512_loadu_ps(found + 16 * v);
    larger[v] = _mm512_setzero_si512();
  }
  const __m512i one = _mm512_set1_epi32(1);
  for (std::int32_t i = 0; i < count; ++i) {
    next.fetch_line();
    const __m512 other = _mm512_set1_ps(found[i]);
    for (int v = 0; v < kRankedVectors; ++v)
      larger[v] = _mm512_mask_add_epi32(larger[v], _mm512_cmp_ps_mask(other, values[v], _CMP_GT_OQ), larger[v], one);
  }
  const __m512i limit = _mm512_set1_epi32(k);
  int kept = 0;
  bool nan = false;
  __m512 smallest = _mm512_set1_ps(__builtin_inff());
  for (int v = 0; v < kRankedVectors; ++v) {
    const __mmask16 marked = _mm512_cmplt_epi32_mask(larger[v], limit);
    kept += __builtin_popcount(marked);
    nan |= _mm512_cmp_ps_mask(values[v], values[v], _CMP_UNORD_Q) != 0;
    smallest = _mm512_mask_min_ps(smallest, marked, smallest, values[v]);
  }
  alignas(64) float lanes[16];
  _mm512_store_ps(lanes, smallest);
  kth = lanes[0];
  for (const float lane : lanes) kth = lane < kth ? lane : kth;
  return kept == k && !nan;
}

/// The k-th largest of many values above `low` by counting how many lie above a guess, `guess` at first; lanes past
/// `count` hold `low`. Returns false where the k-th equals the next, or there is NaN.
bool kth_by_counting(const float* found, std::int32_t count, std::int32_t k, float low, float guess, RowToCome& next,
                     float& kth) {
  Vector largest = load(found);
  for (std::int32_t i = 0; i < count; i += 16) {
    next.fetch_line();
    const Vector values = load(found + i);
    if (_mm512_cmp_ps_mask(values, values, _CMP_UNORD_Q) != 0) return false;
    largest = values > largest ? values : largest;
  }
  float high = low;  // none lie above it
  for (int v = 0; v < kLanes; ++v) high = largest[v] > high ? largest[v] : high;
  std::int32_t above_low = count, above_high = 0;
  if (!(guess > low && guess < high)) guess = 0.5f * low + 0.5f * high;
  for (int round = 0; above_low != k; ++round) {
    constexpr int kMostRounds = 30;  // values that crowd together are left to a search by their bits
    if (!(guess > low && guess < high) || round == kMostRounds) return false;
    const __m512 limit = _mm512_set1_ps(guess);
    std::int32_t above = 0;
    for (std::int32_t i = 0; i < count; i += 16) {
      next.fetch_line();
      above += __builtin_popcount(_mm512_cmp_ps_mask(load(found + i), limit, _CMP_GT_OQ));
    }
    (above >= k ? low : high) = guess;
    (above >= k ? above_low : above_high) = above;
    // As if the values between were spread evenly, every third time halfway.
    const float share = static_cast<float>(above_low - k) + 0.5f;
    guess = round % 3 == 2 ? 0.5f * low + 0.5f * high
                           : low + share / static_cast<float>(above_low - above_high) * (high - low);
  }
  Vector least = _mm512_set1_ps(high);
  const __m512 limit = _mm512_set1_ps(low);
  for (std::int32_t i = 0; i < count; i += 16) {
    const Vector values = load(found + i);
    least = _mm512_mask_min_ps(least, _mm512_cmp_ps_mask(values, limit, _CMP_GT_OQ), least, values);
  }
  kth = high;
  for (int v = 0; v < kLanes; ++v) kth = least[v] < kth ? least[v] : kth;
  return true;
}

/// Zeros what is below `least`, sets the bits of the others and adds them up.
void keep_from(float* row, std::int64_t columns, float least, RowToCome& next, std::uint32_t* kept,
               const KeptSums& to) {
  const __m512 limit = _mm512_set1_ps(least);
  for (std::int64_t j = 0; j < columns; j += 16) {
    next.fetch_line();
    const __mmask16 lanes = lanes_below(columns - j);
    const __m512 values = _mm512_maskz_loadu_ps(lanes, row + j);
    const __mmask16 keep = _mm512_mask_cmp_ps_mask(lanes, values, limit, _CMP_GE_OQ);
    _mm512_mask_storeu_ps(row + j, lanes, _mm512_maskz_mov_ps(keep, values));
    if (kept) __builtin_memcpy(reinterpret_cast<std::uint16_t*>(kept) + j / 16, &keep, sizeof keep);
    if (to.sums) {
      const __m512 sums = _mm512_maskz_loadu_ps(lanes, to.sums + j);
      _mm512_mask_storeu_ps(to.sums + j, keep, _mm512_add_ps(sums, values));
    }
    if (to.abs_sums) {
      const __m512 sums = _mm512_maskz_loadu_ps(lanes, to.abs_sums + j);
      _mm512_mask_storeu_ps(to.abs_sums + j, keep, _mm512_add_ps(sums, _mm512_abs_ps(values)));
    }
  }
  // A last word of which only one half was written.
  if (kept && (columns + 15) / 16 % 2 != 0) kept[columns / 32] &= 0xffffu;
}

/// The k largest of row after row, in two passes: one packs the few candidates for the k-th largest, the other zeros
/// what is below it.
class RowsTopK : RowSearch {
 public:
  RowsTopK(std::int64_t columns, std::int32_t k) : RowSearch(columns, k) {}

  /// Zeros all but the k largest of the row, sets their bits, and adds them to the sums. `next_row` will be next.
  void keep(float* row, const float* next_row, std::uint32_t* kept, const KeptSums& to) {
    float least = 0;
    RowToCome next(next_row, columns_);
    if (usable_ && find_kth(row, next, least)) return keep_from(row, columns_, least, next, kept, to);
    search(row, kept, to);
  }

 private:
  /// The k-th largest, if nothing equals it and nothing is NaN.
  bool find_kth(const float* row, RowToCome& next, float& kth) {
    const std::int32_t count =
        collect_values(row, next, columns_, outer_, static_cast<std::int32_t>(2 * wanted_), found_);
    if (count < k_) return false;
    for (int v = 0; v < kRankedVectors; ++v) store(found_ + count + 16 * v, outer_ - Vector{});
    if (count <= kRanked) return kth_by_rank(found_, count, k_, next, kth);
    if (!kth_by_counting(found_, count, k_, outer_, inner_, next, kth)) return false;
    inner_ = kth;
    return true;
  }

  float found_[kMostCandidates + 64];  ///< and what is written past the last one
};

}  // namespace
}  // namespace lacuna::cpu::LACUNA_CPU_TARGET
