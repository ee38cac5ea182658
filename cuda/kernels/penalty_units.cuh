#pragma once

#include "device/block.cuh"
#include "kernels/kernels.h"
#include "lacuna/math/penalty.h"

// The sparsity penalty of some units by one block; and of all units, behind the pass that sums up their columns.

namespace lacuna::cuda {

struct PenaltySums {
  double penalty = 0, activation = 0;
};

/// Of the units [begin, end): writes their part of the gradient. Thread 0 of the block of kPassThreads gets the sums.
__device__ inline PenaltySums penalty_of_units(const SparsityPenaltyArgs& p, std::int64_t begin, std::int64_t end,
                                               int thread) {
  const double samples = static_cast<double>(p.scalars->sample_count);
  const double values = samples * static_cast<double>(p.positions);
  PenaltySums sums;
  for (std::int64_t j = begin + thread; j < end; j += kPassThreads) {
    const double rho_hat = static_cast<double>(p.column_sums[j]) / values;
    sums.activation += rho_hat;
    if (p.kind == Sparsity::kl) {
      sums.penalty += p.beta * math::KlPenalty::value(p.rho, rho_hat);
      if (p.column_gradient)
        p.column_gradient[j] = static_cast<float>(p.beta / values * math::KlPenalty::derivative(p.rho, rho_hat));
    } else if (p.kind == Sparsity::l1) {
      sums.penalty += p.l1 / samples * static_cast<double>(p.column_abs_sums[j]);
    }
  }
  sums.penalty = block_sum<kPassThreads>(sums.penalty, thread);
  sums.activation = block_sum<kPassThreads>(sums.activation, thread);
  return sums;
}

__device__ inline void store_penalty(const SparsityPenaltyArgs& p, const PenaltySums& sums) {
  *p.value = sums.penalty;
  *p.mean_activation = sums.activation / static_cast<double>(p.units);
}

/// To be called by the blocks that have written a tile's column sums, once for each tile: the block works out the
/// penalty of its tile's units, and the last of them adds the tiles up, in their order. `partials` holds two values for
/// each tile.
template <int kWidth>
__device__ void penalty_of_tile(const SparsityPenaltyArgs& p, double* partials, unsigned* counter) {
  const int thread = static_cast<int>(threadIdx.y * blockDim.x + threadIdx.x);
  constexpr int kColumns = kWarp * kWidth;
  const std::int64_t begin = std::int64_t{blockIdx.x} * kColumns, end = begin + kColumns;
  __syncthreads();  // the sums, which the first slice has written
  const PenaltySums mine = penalty_of_units(p, begin, end < p.units ? end : p.units, thread);
  if (thread == 0) {
    partials[2 * blockIdx.x] = mine.penalty;
    partials[2 * blockIdx.x + 1] = mine.activation;
  }
  if (!is_last_block(counter, gridDim.x, thread)) return;
  PenaltySums all;
  for (unsigned tile = static_cast<unsigned>(thread); tile < gridDim.x; tile += kPassThreads) {
    all.penalty += partials[2 * tile];
    all.activation += partials[2 * tile + 1];
  }
  all.penalty = block_sum<kPassThreads>(all.penalty, thread);
  all.activation = block_sum<kPassThreads>(all.activation, thread);
  if (thread == 0) store_penalty(p, all);
}

}  // namespace lacuna::cuda
