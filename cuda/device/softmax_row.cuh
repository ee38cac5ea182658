#pragma once

#include <cfloat>
#include <type_traits>

#include "device/block.cuh"
#include "device/vector.cuh"
#include "lacuna/math/exp.h"

// The softmax of one row by a warp, or by a part of one where there are few classes, in two readings: one for the row
// maximum and the sum of exponentials together, one for the results. Milakov and Gimelshein, "Online normalizer
// calculation for softmax", arXiv:1805.02867.

namespace lacuna::cuda {

/// maximum of the z, and the sum of e^(z - maximum).
struct Normalizer {
  float maximum = -FLT_MAX, sum = 0;
};

struct Merge {
  __device__ __forceinline__ Normalizer operator()(const Normalizer& a, const Normalizer& b) const {
    const float maximum = Maximum{}(a.maximum, b.maximum);
    return {maximum, a.sum * math::exp_clamped(a.maximum - maximum) + b.sum * math::exp_clamped(b.maximum - maximum)};
  }
};

/// Lanes that share a row: with ten classes a warp for each would leave 22 of 32 idle.
constexpr int kFewLanes = 8;

/// Of z = row + bias, by the kLanes lanes of a warp that share the row; each of them gets it. `lane` counts within
/// them. Every lane of the warp must come here, one without a row with no classes.
template <int kWidth, int kLanes>
__device__ Normalizer softmax_normalizer(const float* row, const float* bias, std::int64_t classes, int lane) {
  Normalizer mine;
  for (std::int64_t j = lane * kWidth; j < classes; j += kLanes * kWidth) {
    const Floats<kWidth> a = load<kWidth>(row + j), b = load<kWidth>(bias + j);
#pragma unroll
    for (int w = 0; w < kWidth; ++w) mine = Merge{}(mine, Normalizer{a.at[w] + b.at[w], 1.0f});
  }
  for (int distance = kLanes / 2; distance > 0; distance /= 2) {
    const Normalizer other{__shfl_xor_sync(kAllLanes, mine.maximum, distance),
                           __shfl_xor_sync(kAllLanes, mine.sum, distance)};
    // The same order in both partners, so that all lanes end with the same bits.
    mine = lane & distance ? Merge{}(other, mine) : Merge{}(mine, other);
  }
  return mine;
}

/// Blocks of 8 warps for this many rows; where there are more rows than the device holds warps, each warp takes
/// several.
inline unsigned row_blocks(std::int64_t rows, int lanes, int multiprocessors) {
  const int of_block = kPassThreads / lanes;
  const std::int64_t blocks = (rows + of_block - 1) / of_block, most = 16 * std::int64_t{multiprocessors};
  return static_cast<unsigned>(blocks < most ? blocks : most);
}

/// Calls f with the number of lanes for a row of so many classes as a compile-time number.
template <class F>
void with_lanes(std::int64_t classes, int width, const F& f) {
  if (classes <= 2 * kFewLanes * width)
    f(std::integral_constant<int, kFewLanes>{});
  else
    f(std::integral_constant<int, kWarp>{});
}

}  // namespace lacuna::cuda
