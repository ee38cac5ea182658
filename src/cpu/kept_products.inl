// Part of kernels.inl's translation units.

#include "cpu/kept_products.h"

namespace lacuna::cpu::LACUNA_CPU_TARGET {
namespace {

/// The units of rows [first, last), and in `counts` how often each occurs.
void list_rows(const ListKeptArgs& p, std::int64_t first, std::int64_t last, std::int32_t* counts) {
  const KeptEntries& s = p.entries;
  const std::int64_t words = (s.units + 31) / 32;
  for (std::int64_t u = 0; u < s.units; ++u) counts[u] = 0;
  for (std::int64_t i = first; i < last; ++i) {
    std::int64_t n = 0;
    for (std::int64_t w = 0; w < words; ++w)
      for (std::uint32_t bits = p.kept[i * words + w]; bits != 0 && n < s.most; bits &= bits - 1) {
        const std::int64_t u = w * 32 + __builtin_ctz(bits);
        s.unit[i * s.most + n++] = static_cast<std::int32_t>(u);
        ++counts[u];
      }
    s.count[i] = static_cast<std::int32_t>(n);
  }
}

/// A counting sort by units. Threads have consecutive rows, so that a unit's samples ascend, however many there are.
void list_kept(const ListKeptArgs& p) {
  const KeptEntries& s = p.entries;
  on_threads(p.threads, [&] {
    const Part mine = share(s.rows, 1);
    std::int32_t* const next = s.next + omp_get_thread_num() * s.units;
    list_rows(p, mine.begin, mine.end, next);
#pragma omp barrier
    const std::int64_t threads = omp_get_num_threads(), thread = omp_get_thread_num();
    const Part units = share(s.units, kCacheLine);
    std::int32_t total = 0;
    for (std::int64_t t = 0; t < threads; ++t)
      for (std::int64_t u = units.begin; u < units.end; ++u) total += s.next[t * s.units + u];
    s.total[thread] = total;
#pragma omp barrier
    std::int32_t place = 0;
    for (std::int64_t t = 0; t < thread; ++t) place += s.total[t];
    for (std::int64_t u = units.begin; u < units.end; ++u) {
      s.begin[u] = place;
      for (std::int64_t t = 0; t < threads; ++t) {
        const std::int32_t count = s.next[t * s.units + u];
        s.next[t * s.units + u] = place;
        place += count;
      }
    }
    if (thread == threads - 1) s.begin[s.units] = place;
#pragma omp barrier
    for (std::int64_t i = mine.begin; i < mine.end; ++i)
      for (std::int64_t e = i * s.most; e < i * s.most + s.count[i]; ++e) {
        s.place[e] = next[s.unit[e]]++;
        s.sample[s.place[e]] = static_cast<std::int32_t>(i);
      }
  });
}

template <int Vectors>
void sum_block(const std::int32_t* index, const float* values, std::int64_t count, const float* rows,
               std::int64_t stride, float* out, std::int64_t last, bool accumulate) {
  sparse_row<Vectors>(index, values, count, rows, stride, out, last, accumulate);
}

/// out [columns] (+)= sum over entries of value * the row of `rows` that index names.
void sum_rows(const std::int32_t* index, const float* values, std::int64_t count, const float* rows,
              std::int64_t columns, float* out, bool accumulate) {
  constexpr decltype(&sum_block<1>) kBlocks[kVectors] = {sum_block<1>, sum_block<2>, sum_block<3>, sum_block<4>,
                                                         sum_block<5>, sum_block<6>, sum_block<7>, sum_block<8>};
  constexpr std::int64_t kWidth = kVectors * kLanes;
  for (std::int64_t column = 0; column < columns; column += kWidth) {
    const std::int64_t width = smaller(columns - column, kWidth), vectors = (width + kLanes - 1) / kLanes;
    kBlocks[vectors - 1](index, values, count, rows + column, columns, out + column, width - (vectors - 1) * kLanes,
                         accumulate);
  }
}

void kept_product(const KeptProductArgs& p) {
  const KeptEntries& s = p.entries;
  constexpr std::int64_t kTogether = 128;  // values at hand on the stack
  on_threads(p.threads, [&] {
    const Part mine = share(s.rows, 1);
    for (std::int64_t i = mine.begin; i < mine.end; ++i) {
      float values[kTogether];
      const float* row = p.values + i * s.units;
      for (std::int64_t first = 0; first == 0 || first < s.count[i]; first += kTogether) {
        const std::int32_t* unit = s.unit + i * s.most + first;
        const std::int64_t n = smaller(s.count[i] - first, kTogether);
        for (std::int64_t e = 0; e < n; ++e) values[e] = row[unit[e]];
        sum_rows(unit, values, n, p.weight, p.columns, p.out + i * p.columns, first > 0);
      }
    }
  });
}

float row_product(const float* a, const float* b, std::int64_t n) {
  Vector sums[4] = {};
  std::int64_t j = 0;
  for (; j + 4 * kLanes <= n; j += 4 * kLanes)
#pragma GCC unroll 4
    for (int v = 0; v < 4; ++v) sums[v] += load(a + j + v * kLanes) * load(b + j + v * kLanes);
  for (; j < n; j += kLanes)
    sums[0] += load_first(a + j, smaller(n - j, kLanes)) * load_first(b + j, smaller(n - j, kLanes));
  const Vector total = (sums[0] + sums[1]) + (sums[2] + sums[3]);
  float sum = 0;
  for (int i = 0; i < kLanes; ++i) sum += total[i];
  return sum;
}

void kept_dots(const KeptDotsArgs& p) {
  const KeptEntries& s = p.entries;
  on_threads(p.threads, [&] {
    const Part mine = share(s.rows, 1);
    for (std::int64_t i = mine.begin; i < mine.end; ++i)
      for (std::int64_t e = i * s.most; e < i * s.most + s.count[i]; ++e)
        p.gradient[i * s.units + s.unit[e]] =
            row_product(p.delta + i * p.columns, p.weight + s.unit[e] * p.columns, p.columns);
  });
}

/// A unit's row is summed over its samples in registers, by one thread.
void kept_gradient(const KeptGradientArgs& p) {
  const KeptEntries& s = p.entries;
  on_threads(p.threads, [&] {
    const Part mine = share(s.rows, 1);
    for (std::int64_t i = mine.begin; i < mine.end; ++i)
      for (std::int64_t e = i * s.most; e < i * s.most + s.count[i]; ++e)
        s.value[s.place[e]] = p.values[i * s.units + s.unit[e]];
  });
  constexpr std::int64_t kTogether = 16;  // units
  share_out(p.threads, (s.units + kTogether - 1) / kTogether, [&](std::int64_t item) {
    for (std::int64_t u = item * kTogether; u < smaller((item + 1) * kTogether, s.units); ++u)
      sum_rows(s.sample + s.begin[u], s.value + s.begin[u], s.begin[u + 1] - s.begin[u], p.source, p.columns,
               p.gradient + u * p.columns, p.accumulate);
  });
}

template <class A>
void kept_activation_backward(const KeptActivationArgs& p) {
  const KeptEntries& s = p.entries;
  on_threads(p.threads, [&] {
    ColumnSums column_sums(p.partials, s.units);
    float* sums = column_sums.block();
    const Part mine = share(s.rows, 1);
    // Until the row has been cleared, in the place of what a gradient gathers.
    float* const at_hand = s.value + mine.begin * s.most;
    for (std::int64_t i = mine.begin; i < mine.end; ++i) {
      const std::int32_t* unit = s.unit + i * s.most;
      float* gradient = p.gradient + i * s.units;
      for (std::int64_t e = 0; e < s.count[i]; ++e)
        at_hand[e] = gradient[unit[e]] * A::derivative(p.output[i * s.units + unit[e]]);
      __builtin_memset(gradient, 0, static_cast<std::size_t>(s.units) * sizeof *gradient);
      for (std::int64_t e = 0; e < s.count[i]; ++e) sums[unit[e]] += gradient[unit[e]] = at_hand[e];
      column_sums.end_row();
    }
    column_sums.flush();
#pragma omp barrier
    add_partials(p.partials, s.units, p.bias_gradient);
  });
}

void dispatch_kept_activation_backward(Activation activation, const KeptActivationArgs& p) {
  with_activation(activation, [&](auto a) { kept_activation_backward<decltype(a)>(p); });
}

}  // namespace
}  // namespace lacuna::cpu::LACUNA_CPU_TARGET
