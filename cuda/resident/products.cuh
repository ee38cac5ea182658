#pragma once

#include "device/block.cuh"
#include "device/vector.cuh"
#include "resident/resident_shape.h"

// The matrix products of a block, on operands in its shared memory. Rows begin at 16 bytes (of bytes: 4) and are padded
// with zeros to a multiple of 4 elements. The order of every addition depends on the extents alone.

namespace lacuna::cuda {

/// What products are made in, as a type: this, Tf32 or Bf16. tensor_products.cuh has them for the other two.
struct Fp32 {};

/// Adds each of kCount values over the lanes of a warp. Lane l gets the sum of value l kCount / 32. At each distance a
/// lane sends the half of its values that it does not keep: 31 shuffles for 32 sums.
template <int kDistance, int kCount>
__device__ __forceinline__ float sums_over_lanes(const float (&values)[kCount], int lane) {
  if constexpr (kDistance == 0) {
    return values[0];
  } else if constexpr (kCount == 1) {
    const float sum[1] = {values[0] + __shfl_xor_sync(kAllLanes, values[0], kDistance)};
    return sums_over_lanes<kDistance / 2>(sum, lane);
  } else {
    constexpr int kHalf = kCount / 2;
    const bool upper = (lane & kDistance) != 0;
    float kept[kHalf];
#pragma unroll
    for (int i = 0; i < kHalf; ++i) {
      const float sent = upper ? values[i] : values[i + kHalf];
      kept[i] = (upper ? values[i + kHalf] : values[i]) + __shfl_xor_sync(kAllLanes, sent, kDistance);
    }
    return sums_over_lanes<kDistance / 2>(kept, lane);
  }
}

/// A matrix in shared memory.
template <class T>
struct Tile {
  const T* at;
  int rows, stride;
  /// A row; past the last one the last, whose product nobody takes.
  __device__ __forceinline__ const T* row(int i) const { return at + (i < rows ? i : rows - 1) * stride; }
};

/// <x_i, w_j> for 8 rows i of x from `first_row` and kColumns rows j of w from `first_column`, by a warp whose lanes
/// share the columns. Lane l gets the product of row l kColumns / 4 / kColumns and column l kColumns / 4 % kColumns.
template <int kColumns, class T>
__device__ float tile_of_products(const Tile<T>& x, int first_row, const Tile<float>& w, int first_column, int groups,
                                  int lane) {
  float sums[kTileRows * kColumns] = {};
  for (int g = lane; g < groups; g += kWarp) {
    Floats<4> columns[kColumns];
#pragma unroll
    for (int j = 0; j < kColumns; ++j) columns[j] = load<4>(w.row(first_column + j) + 4 * g);
#pragma unroll
    for (int i = 0; i < kTileRows; ++i) {
      const Floats<4> row = load<4>(x.row(first_row + i) + 4 * g);
#pragma unroll
      for (int j = 0; j < kColumns; ++j)
#pragma unroll
        for (int k = 0; k < 4; ++k) sums[i * kColumns + j] += row.at[k] * columns[j].at[k];
    }
  }
  return sums_over_lanes<kWarp / 2>(sums, lane);
}

/// Calls f(i, j, <x_i, w_j>) for every row i of x and j of w, in one thread each; the others of its warp may get rows
/// and columns past the end, with anything as product.
template <int kColumns, class T, class F>
__device__ void each_product_of(const Tile<T>& x, const Tile<float>& w, int columns, int warp, int lane, const F& f) {
  const int across = (w.rows + kColumns - 1) / kColumns;
  const int tasks = (x.rows + kTileRows - 1) / kTileRows * across;
  for (int task = warp; task < tasks; task += kResidentWarps) {
    const int first_row = task / across * kTileRows, first_column = task % across * kColumns;
    const float product = tile_of_products<kColumns>(x, first_row, w, first_column, (columns + 3) / 4, lane);
    constexpr int kLanes = kWarp / (kTileRows * kColumns);  // that have the same product
    const int index = lane / kLanes;
    if (lane % kLanes == 0) f(first_row + index / kColumns, first_column + index % kColumns, product);
  }
}
template <class T, class F>
__device__ void each_product(Fp32, const Tile<T>& x, const Tile<float>& w, int columns, int warp, int lane,
                             const F& f) {
  if (w.rows <= 2)
    each_product_of<2>(x, w, columns, warp, lane, f);
  else
    each_product_of<4>(x, w, columns, warp, lane, f);
}

/// gradient_j += sum over i of delta_ji x_i, for kColumns rows j of delta and four columns a lane. `first`: = and
/// not +=. Rows of delta are padded with zeros to a multiple of 4 samples.
template <int kColumns, class T>
__device__ void outer_products_of(const Tile<float>& delta, const Tile<T>& x, int columns, float* gradient, int stride,
                                  bool first, int warp, int lane) {
  const int across = (columns + 4 * kWarp - 1) / (4 * kWarp);
  const int tasks = (delta.rows + kColumns - 1) / kColumns * across;
  for (int task = warp; task < tasks; task += kResidentWarps) {
    const int j0 = task / across * kColumns, k = (task % across * kWarp + lane) * 4;
    if (k >= columns) continue;
    float sums[kColumns][4] = {};
    for (int i = 0; i < x.rows; i += 4) {
      Floats<4> d[kColumns];
#pragma unroll
      for (int j = 0; j < kColumns; ++j) d[j] = load<4>(delta.row(j0 + j) + i);
#pragma unroll
      for (int r = 0; r < 4; ++r) {
        const Floats<4> row = load<4>(x.row(i + r) + k);
#pragma unroll
        for (int j = 0; j < kColumns; ++j)
#pragma unroll
          for (int c = 0; c < 4; ++c) sums[j][c] += d[j].at[r] * row.at[c];
      }
    }
#pragma unroll
    for (int j = 0; j < kColumns; ++j) {
      if (j0 + j >= delta.rows) continue;
      float* to = gradient + (j0 + j) * stride + k;
      Floats<4> sum = first ? Floats<4>{} : load<4>(to);
#pragma unroll
      for (int c = 0; c < 4; ++c) sum.at[c] += sums[j][c];
      store_shared(to, sum);
    }
  }
}
template <class T>
__device__ void outer_products(Fp32, const Tile<float>& delta, const Tile<T>& x, int columns, float* gradient,
                               int stride, bool first, int warp, int lane) {
  if (delta.rows <= 2)
    outer_products_of<2>(delta, x, columns, gradient, stride, first, warp, lane);
  else
    outer_products_of<4>(delta, x, columns, gradient, stride, first, warp, lane);
}

/// f(u, i, sums): the four samples from i on of sum over o of delta_oi w_ou, for every u and i, a multiple of 4. A
/// thread takes four units of four samples.
template <class F>
__device__ void each_back_product(Fp32, const Tile<float>& delta, int samples, const Tile<float>& w, int columns,
                                  int thread, const F& f) {
  const int groups = (samples + 3) / 4, tasks = (columns + 3) / 4 * groups;
  for (int task = thread; task < tasks; task += kResidentThreads) {
    const int u = task / groups * 4, i = task % groups * 4;
    Floats<4> sums[4] = {};
    for (int o = 0; o < w.rows; ++o) {
      const Floats<4> d = load<4>(delta.row(o) + i), row = load<4>(w.row(o) + u);
#pragma unroll
      for (int j = 0; j < 4; ++j)
#pragma unroll
        for (int r = 0; r < 4; ++r) sums[j].at[r] += d.at[r] * row.at[j];
    }
#pragma unroll
    for (int j = 0; j < 4; ++j)
      if (u + j < columns) f(u + j, i, sums[j]);
  }
}

}  // namespace lacuna::cuda
