#pragma once

#include <cstdint>

#include "device/block.cuh"
#include "device/pass_shape.h"
#include "device/vector.cuh"

// One pass over a row-major matrix [rows, columns] that also sums by columns, in one launch and with fixed order.
//
// A block of 32 x 8 threads owns 32 * kWidth columns and one chunk of the rows; its eight slices take every eighth row
// of the chunk. The slices' sums are added in shared memory and written as the chunk's partial sums; the block that
// finishes last among the chunks of its columns adds the partial sums, again by eight slices. Nothing depends on which
// block that is.

namespace lacuna::cuda {

/// Adds the eight slices' sums of each column; slice 0 gets them.
template <int kWidth>
__device__ Floats<kWidth> add_slices(const Floats<kWidth>& mine) {
  __shared__ float shared[kSlices][kWidth][kWarp];
  const int lane = static_cast<int>(threadIdx.x), slice = static_cast<int>(threadIdx.y);
#pragma unroll
  for (int w = 0; w < kWidth; ++w) shared[slice][w][lane] = mine.at[w];
  __syncthreads();
  Floats<kWidth> total{};
  if (slice == 0)
#pragma unroll
    for (int w = 0; w < kWidth; ++w)
      for (int s = 0; s < kSlices; ++s) total.at[w] += shared[s][w][lane];
  __syncthreads();
  return total;
}

/// Rows that a thread reads before it writes the first of them. The compiler may not move a load ahead of a store, and
/// with one float at a time from each of kResidentBlocks * kPassThreads threads the memory has too little to do.
template <int kWidth, int kOperands>
constexpr int kRowsAtOnce = 32 / (4 * kWidth * kOperands);

/// Body: `begin(column)`; then, for the kWidth elements at `offset` of each row, `load(offset)`, which reads kOperands
/// matrices, and `apply(offset, loaded, sums)`, which may write and adds to the kSums sums of its columns. `results[s]`
/// [columns] receives the sums; null where nobody wants them. True in every thread of the one block of each tile that
/// has written them.
template <int kWidth, int kSums, class Body>
__device__ bool column_pass(const ColumnPass& p, Body& body, float* const (&results)[kSums]) {
  const std::int64_t column = (std::int64_t{blockIdx.x} * kWarp + threadIdx.x) * kWidth;
  const int slice = static_cast<int>(threadIdx.y), thread = slice * kWarp + static_cast<int>(threadIdx.x);
  const std::int64_t begin = blockIdx.y * p.chunk_rows;
  const std::int64_t end = begin + p.chunk_rows < p.rows ? begin + p.chunk_rows : p.rows;
  const bool inside = column < p.columns;

  Floats<kWidth> sums[kSums] = {};
  if (inside) {
    body.begin(column);
    const auto offset = [&](std::int64_t row) { return row * p.columns + column; };
    constexpr int kRows = kRowsAtOnce<kWidth, Body::kOperands>;
    std::int64_t row = begin + slice;
    for (; row + (kRows - 1) * kSlices < end; row += kRows * kSlices) {
      typename Body::Loaded loaded[kRows];
#pragma unroll
      for (int r = 0; r < kRows; ++r) loaded[r] = body.load(offset(row + r * kSlices));
#pragma unroll
      for (int r = 0; r < kRows; ++r) body.apply(offset(row + r * kSlices), loaded[r], sums);
    }
    for (; row < end; row += kSlices) body.apply(offset(row), body.load(offset(row)), sums);
  }
#pragma unroll
  for (int s = 0; s < kSums; ++s) {
    if (!results[s]) continue;
    const Floats<kWidth> total = add_slices(sums[s]);
    if (!inside || slice != 0) continue;
    store<kWidth>(gridDim.y == 1 ? results[s] + column : p.partials + (blockIdx.y * kSums + s) * p.columns + column,
                  total);
  }
  if (gridDim.y == 1) return true;
  if (!is_last_block(p.counters + blockIdx.x, gridDim.y, thread)) return false;
#pragma unroll
  for (int s = 0; s < kSums; ++s) {
    if (!results[s]) continue;
    Floats<kWidth> sum{};
    if (inside)
      for (unsigned chunk = threadIdx.y; chunk < gridDim.y; chunk += kSlices) {
        const Floats<kWidth> part = load<kWidth>(p.partials + (std::int64_t{chunk} * kSums + s) * p.columns + column);
#pragma unroll
        for (int w = 0; w < kWidth; ++w) sum.at[w] += part.at[w];
      }
    const Floats<kWidth> total = add_slices(sum);
    if (inside && slice == 0) store<kWidth>(results[s] + column, total);
  }
  return true;
}

/// Sums `value` over all threads of the grid, in double. True in every thread of the block that finished last; there
/// thread 0 has the total in `value`.
__device__ __forceinline__ bool grid_sum(double& value, double* partials, unsigned* counter) {
  const int thread = static_cast<int>(threadIdx.y * blockDim.x + threadIdx.x);
  const unsigned blocks = gridDim.x * gridDim.y, block = blockIdx.y * gridDim.x + blockIdx.x;
  const double mine = block_sum<kPassThreads>(value, thread);
  if (thread == 0) partials[block] = mine;
  if (!is_last_block(counter, blocks, thread)) return false;
  double sum = 0;
  for (unsigned b = static_cast<unsigned>(thread); b < blocks; b += kPassThreads) sum += partials[b];
  value = block_sum<kPassThreads>(sum, thread);
  return true;
}

}  // namespace lacuna::cuda
