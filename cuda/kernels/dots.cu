// v_{l R + r} = sum_i left_l,i right_r,i, products and sums in double.
//
// L and R vectors of n elements, up to 480 together. Each block takes one piece of all vectors, which stays in its
// cache while every left vector meets every right one, four at a time; the block that finishes last adds the pieces'
// sums in order. Threads: 256; any size. Reads n floats of each vector from memory. Deterministic.

#include "device/block.cuh"
#include "kernels/pass_launch.h"
#include "kernels/vector_list.h"

namespace lacuna::cuda {

namespace {

constexpr int kThreads = 256, kTogether = 4;
constexpr std::int64_t kLeastPiece = 2048;

struct Pieces {
  std::int64_t count, elements;  ///< of each but the last

  Pieces(std::int64_t all, int multiprocessors) {
    const std::int64_t wanted = std::min<std::int64_t>(4 * multiprocessors, (all + kLeastPiece - 1) / kLeastPiece);
    elements = (all + wanted - 1) / wanted;
    count = (all + elements - 1) / elements;
  }
};

__global__ void __launch_bounds__(kThreads)
    dots_kernel(VectorList vectors, int left, int right, std::int64_t elements, std::int64_t piece, double* values,
                double* partials, unsigned* counter) {
  const int thread = static_cast<int>(threadIdx.x), pairs = left * right;
  const std::int64_t begin = blockIdx.x * piece, end = begin + piece < elements ? begin + piece : elements;
  double* const mine = partials + std::int64_t{blockIdx.x} * pairs;
  for (int l = 0; l < left; ++l)
    for (int first = 0; first < right; first += kTogether) {
      double sums[kTogether] = {};
      for (std::int64_t i = begin + thread; i < end; i += kThreads) {
        const auto x = static_cast<double>(vectors.at[l][i]);
#pragma unroll
        for (int r = 0; r < kTogether; ++r)
          if (first + r < right) sums[r] += x * static_cast<double>(vectors.at[left + first + r][i]);
      }
#pragma unroll
      for (int r = 0; r < kTogether; ++r) {
        if (first + r >= right) break;
        const double sum = block_sum<kThreads>(sums[r], thread);
        if (thread == 0) mine[l * right + first + r] = sum;
      }
    }
  if (!is_last_block(counter, gridDim.x, thread)) return;
  for (int pair = thread; pair < pairs; pair += kThreads) {
    double sum = 0;
    for (unsigned b = 0; b < gridDim.x; ++b) sum += partials[std::int64_t{b} * pairs + pair];
    values[pair] = sum;
  }
}

}  // namespace

void dots(const Workspace& workspace, const DotsArgs& p) {
  const Pieces pieces(p.elements, workspace.multiprocessors);
  launch(&dots_kernel, LaunchShape(static_cast<unsigned>(pieces.count), kThreads, 0, workspace.stream),
         vector_list(p.left, p.right), static_cast<int>(p.left.size()), static_cast<int>(p.right.size()), p.elements,
         pieces.elements, p.values, workspace.value_partials, value_counter(workspace));
}

WorkspaceNeeds dots_needs(std::int64_t pairs, std::int64_t elements, int multiprocessors) {
  return {.value_partials = pairs * Pieces(elements, multiprocessors).count};
}

}  // namespace lacuna::cuda
