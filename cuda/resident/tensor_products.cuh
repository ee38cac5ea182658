#pragma once

#include <type_traits>

#include "device/mma.cuh"
#include "resident/products.cuh"

// The matrix products of a block on tensor cores, by the names that products.cuh has for float32. Format is Tf32 or
// Bf16. What lies in shared memory is float32 or bytes all the same, and is rounded on its way into registers; but the
// code, which nothing but products reads, is exchanged as bfloat16 where they would round it to that.
//
// A lane's group (lane / 4) and its member of it (lane % 4) say what it reads. Steps of a sum past the last one are
// zeros in B, and in A any numbers that are there; rows and columns past the last one repeat it. Bank conflicts: rows
// of x and h lie 4 mod 8 words apart, those of delta 8 mod 16, those of W1 and W2 as the rows that they are multiplied
// with need it (resident_layout.cpp). So the operands that a warp reads at once, or as much of them as shared memory
// serves at once, lie in different banks but where a comment says otherwise. Of the gradients that it adds to up to
// four lie in one bank.

namespace lacuna::cuda {

/// What blocks exchange the code as; code_bytes() of resident_shape.h is its size.
template <class Format>
using Code = std::conditional_t<std::is_same_v<Format, Bf16>, BFloat16, float>;

template <class Format>
__device__ __forceinline__ Code<Format> code_of(float h) {
  if constexpr (std::is_same_v<Format, Bf16>)
    return Bf16::round(h);
  else
    return h;
}

__device__ __forceinline__ Floats<2> load_pair(const float* from) {
  const float2 v = *reinterpret_cast<const float2*>(from);
  return {{v.x, v.y}};
}
/// The two numbers of a word.
__device__ __forceinline__ Floats<2> pair_of(unsigned word) {
  return {{__uint_as_float(word << 16), __uint_as_float(word & 0xffff0000u)}};
}
__device__ __forceinline__ Floats<2> load_pair(const BFloat16* from) {
  return pair_of(*reinterpret_cast<const unsigned*>(from));
}
template <int kWidth>
__device__ __forceinline__ Floats<kWidth> load(const BFloat16* from) {
  static_assert(kWidth == 4);
  const uint2 v = *reinterpret_cast<const uint2*>(from);
  const Floats<2> low = pair_of(v.x), high = pair_of(v.y);
  return {{low.at[0], low.at[1], high.at[0], high.at[1]}};
}

/// Which of 16 steps of a sum along rows a lane takes, of a row of T and of what is multiplied with one: of floats
/// every fourth, of bytes four neighbours, of bfloat16 two pairs. Nothing but zeros unless `there`; of the last steps
/// those below `columns`.
template <class T>
struct Steps {
  template <bool kWhole>
  __device__ static __forceinline__ void take(const float* row, bool there, int first, int member, int columns,
                                              float (&values)[4]) {
#pragma unroll
    for (int j = 0; j < 4; ++j) {
      const int k = first + kGroup * j + member;
      values[j] = there && (kWhole || k < columns) ? row[k] : 0.0f;
    }
  }
};
template <>
struct Steps<std::uint8_t> {
  template <bool kWhole, class Row>
  __device__ static __forceinline__ void take(const Row* row, bool there, int first, int member, int columns,
                                              float (&values)[4]) {
    const int k = first + kGroup * member;
    const Floats<4> taken = there && (kWhole || k < columns) ? load<4>(row + k) : Floats<4>{};
#pragma unroll
    for (int j = 0; j < 4; ++j) values[j] = taken.at[j];
  }
};

template <>
struct Steps<BFloat16> {
  template <bool kWhole, class Row>
  __device__ static __forceinline__ void take(const Row* row, bool there, int first, int member, int columns,
                                              float (&values)[4]) {
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const int k = first + 8 * half + 2 * member;
      const Floats<2> taken = there && (kWhole || k < columns) ? load_pair(row + k) : Floats<2>{};
      values[2 * half] = taken.at[0], values[2 * half + 1] = taken.at[1];
    }
  }
};

/// What a lane holds for one product: the values from kValues `part` on. Bytes and bfloat16 lose nothing.
template <class Format, class T, int kCount>
__device__ __forceinline__ Held hold(const float (&values)[kCount], int part = 0) {
  float held[Format::kValues];
#pragma unroll
  for (int j = 0; j < Format::kValues; ++j) held[j] = values[Format::kValues * part + j];
  if constexpr (sizeof(T) < sizeof(float))
    return Format::hold_exact(held);
  else
    return Format::hold(held);
}

/// f(i, j, <x_i, w_j>) for every row i of x and j of w, in one thread each, and others past the end with anything as
/// product. A warp makes 16 x 8 of them. Few warps have to hide how long memory and tensor cores take, so that each
/// adds up several sums by turns.
template <class Format, class T, class F>
__device__ void each_product(Format, const Tile<T>& x, const Tile<float>& w, int columns, int warp, int lane,
                             const F& f) {
  constexpr int kParts = 4 / Format::kValues, kTurns = 2, kSteps = 16;
  const int group = lane / kGroup, member = lane % kGroup;
  const int across = (w.rows + kMmaColumns - 1) / kMmaColumns;
  const int tasks = (x.rows + kMmaRows - 1) / kMmaRows * across;
  for (int task = warp; task < tasks; task += kResidentWarps) {
    const int i = task / across * kMmaRows + group, j = task % across * kMmaColumns;
    const T *upper = x.row(i), *lower = x.row(i + 8);
    const float* column = w.row(j + group);
    // Eight lanes of two rows read 16 bytes each at once: no lane for a row that is not there, to need no more turns.
    const bool there = j + group < w.rows;
    float sums[kTurns][kParts][4] = {};
    const auto step = [&](auto whole, int first, auto& c) {
      constexpr bool kWhole = decltype(whole)::value;
      float a[2][4], b[4];
      Steps<T>::template take<kWhole>(upper, true, first, member, columns, a[0]);
      Steps<T>::template take<kWhole>(lower, true, first, member, columns, a[1]);
      Steps<T>::template take<kWhole>(column, there, first, member, columns, b);
#pragma unroll
      for (int p = 0; p < kParts; ++p)
        Format::mma(c[p], hold<Format, T>(a[0], p), hold<Format, T>(a[1], p), hold<Format, float>(b, p));
    };
    int first = 0;
#pragma unroll 2
    for (; first + kTurns * kSteps <= columns; first += kTurns * kSteps) {
#pragma unroll
      for (int turn = 0; turn < kTurns; ++turn) step(std::true_type{}, first + turn * kSteps, sums[turn]);
    }
    for (; first < columns; first += kSteps) step(std::false_type{}, first, sums[0]);
    float total[4] = {};
#pragma unroll
    for (int turn = 0; turn < kTurns; ++turn)
#pragma unroll
      for (int p = 0; p < kParts; ++p)
#pragma unroll
        for (int q = 0; q < 4; ++q) total[q] += sums[turn][p][q];
          // Not unrolled: f is long.
#pragma unroll 1
    for (int q = 0; q < 4; ++q) {
      const float of_upper = q % 2 == 0 ? total[0] : total[1], of_lower = q % 2 == 0 ? total[2] : total[3];
      f(i + q / 2 * 8, j + 2 * member + q % 2, q < 2 ? of_upper : of_lower);
    }
  }
}

/// Columns of x that a group's lanes read at once, four each, are two tiles of 16 rows of A: the tile's rows g and g +
/// 8 are the first two of the four, or the other two.
constexpr int kSpan = 4 * kWarp / kGroup;

/// gradient_j += sum over i of delta_ji x_i for every row j of delta. `first`: = instead of +=. A is x^T, B delta^T. A
/// warp makes 32 columns, of bytes 64, of eight rows. Rows of delta are padded with zeros to a multiple of 4 samples.
template <class Format, class T>
__device__ void outer_products(Format, const Tile<float>& delta, const Tile<T>& x, int columns, float* gradient,
                               int stride, bool first, int warp, int lane) {
  constexpr int kSpans = sizeof(T) == 1 ? 2 : 1, kValues = Format::kValues;
  [[maybe_unused]] constexpr int kAtOnce = 32 / Format::kDepth;  // by nvcc alone
  const int group = lane / kGroup, member = lane % kGroup;
  const int across = (columns + kSpans * kSpan - 1) / (kSpans * kSpan);
  const int tasks = (delta.rows + kMmaColumns - 1) / kMmaColumns * across;
  for (int task = warp; task < tasks; task += kResidentWarps) {
    const int j = task / across * kMmaColumns, k = task % across * (kSpans * kSpan) + 4 * group;
    int column[kSpans];
#pragma unroll
    for (int s = 0; s < kSpans; ++s) column[s] = min(k + s * kSpan, (columns - 1) / 4 * 4);
    const float* row_of_delta = delta.row(j + group);
    float sums[kSpans][2][4] = {};
#pragma unroll kAtOnce
    for (int i = 0; i < x.rows; i += Format::kDepth) {
      float a[kSpans][4][kValues], b[kValues];
#pragma unroll
      for (int v = 0; v < kValues; v += 2) {
        const int sample = i + 4 * v + 2 * member;
        const Floats<2> d = sample < x.rows ? load_pair(row_of_delta + sample) : Floats<2>{};
        b[v] = d.at[0], b[v + 1] = d.at[1];
#pragma unroll
        for (int r = 0; r < 2; ++r)
#pragma unroll
          for (int s = 0; s < kSpans; ++s) {
            const Floats<4> taken = load<4>(x.row(sample + r) + column[s]);
#pragma unroll
            for (int c = 0; c < 4; ++c) a[s][c][v + r] = taken.at[c];
          }
      }
      const Held held = hold<Format, float>(b);
#pragma unroll
      for (int s = 0; s < kSpans; ++s)
#pragma unroll
        for (int tile = 0; tile < 2; ++tile)
          Format::mma(sums[s][tile], hold<Format, T>(a[s][2 * tile]), hold<Format, T>(a[s][2 * tile + 1]), held);
    }
#pragma unroll
    for (int s = 0; s < kSpans; ++s)
#pragma unroll
      for (int q = 0; q < 2; ++q) {
        if (j + 2 * member + q >= delta.rows || k + s * kSpan >= columns) continue;
        float* to = gradient + (j + 2 * member + q) * stride + k + s * kSpan;
        Floats<4> sum = first ? Floats<4>{} : load<4>(to);
#pragma unroll
        for (int c = 0; c < 4; ++c) sum.at[c] += sums[s][c / 2][c % 2 * 2 + q];
        store_shared(to, sum);
      }
  }
}

/// f(u, i, sums): the four samples from i on of sum over o of delta_oi w_ou, for every u and i, a multiple of 4. A is
/// W^T, B delta; a warp makes 32 units of 32 samples, the samples 2 g and 2 g + 1 of 16 as column g of two tiles.
/// In TF32 W's rows meet in pairs in the same banks, once a task.
template <class Format, class F>
__device__ void each_back_product(Format, const Tile<float>& delta, int samples, const Tile<float>& w, int columns,
                                  int thread, const F& f) {
  constexpr int kValues = Format::kValues, kHalves = 2;
  const int warp = thread / kWarp, lane = thread % kWarp, group = lane / kGroup, member = lane % kGroup;
  const int down = (samples + 2 * kMmaRows - 1) / (2 * kMmaRows);
  const int tasks = (columns + kSpan - 1) / kSpan * down;
  for (int task = warp; task < tasks; task += kResidentWarps) {
    const int u = task / down * kSpan + 4 * group, i = task % down * (2 * kMmaRows);
    const int column = min(u, (columns - 1) / 4 * 4);
    float sums[2][kHalves][2][4] = {};
    for (int first = 0; first < w.rows; first += Format::kDepth) {
      float a[4][kValues], b[kHalves][2][kValues];
#pragma unroll
      for (int v = 0; v < kValues; ++v) {
        const int o = first + kGroup * v + member;
        const Floats<4> taken = load<4>(w.row(o) + column);
#pragma unroll
        for (int c = 0; c < 4; ++c) a[c][v] = taken.at[c];
#pragma unroll
        for (int half = 0; half < kHalves; ++half) {
          const int sample = min(i + half * kMmaRows + 2 * group, (samples + 3) / 4 * 4 - 2);
          const Floats<2> d = o < w.rows ? load_pair(delta.row(o) + sample) : Floats<2>{};
          b[half][0][v] = d.at[0], b[half][1][v] = d.at[1];
        }
      }
#pragma unroll
      for (int half = 0; half < kHalves; ++half)
#pragma unroll
        for (int odd = 0; odd < 2; ++odd) {
          const Held held = hold<Format, float>(b[half][odd]);
#pragma unroll
          for (int tile = 0; tile < 2; ++tile)
            Format::mma(sums[tile][half][odd], hold<Format, float>(a[2 * tile]), hold<Format, float>(a[2 * tile + 1]),
                        held);
        }
    }
#pragma unroll
    for (int c = 0; c < 4; ++c)
#pragma unroll
      for (int half = 0; half < kHalves; ++half) {
        const int sample = i + half * kMmaRows + 4 * member;
        if (u + c >= columns || sample >= samples) continue;
        const float(&even)[4] = sums[c / 2][half][0], (&odd)[4] = sums[c / 2][half][1];
        const int q = c % 2 * 2;
        f(u + c, sample, Floats<4>{{even[q], odd[q], even[q + 1], odd[q + 1]}});
      }
  }
}

}  // namespace lacuna::cuda
