// h_ij stays where it is among the k largest of its row, among equals the first, else becomes 0; bit j of the row's
// mask says which. NaN counts as largest.
//
// h [M, H] row-major, mask [M, ceil(H / 32)] words; k in device memory. Floats become integers of the same order; the
// largest integer that at least k of the row reach is found bit by bit from the top, as a radix select does, and the
// search ends as soon as exactly k reach it. Bits of the mask are ballots.
// Threads: to 1024 columns a warp for each row, 8 rows a block; wider rows a block of 8 warps each, a stretch of
// columns for each warp. Keys are in registers to 4096 columns, above that read again from the cache for each bit; any
// size. Reads and writes M H floats. Deterministic.

#include <type_traits>

#include "device/block.cuh"
#include "kernels/step_launch.h"

namespace lacuna::cuda {

namespace {

constexpr int kWarps = 8;

/// An integer of the same order, above 0. Both zeros are equal, and so are all NaN.
__device__ __forceinline__ unsigned order_key(float value) {
  if (value != value) return 0xffffffffu;
  const unsigned bits = __float_as_uint(value == 0.0f ? 0.0f : value);
  return bits & 0x80000000u ? ~bits : bits | 0x80000000u;
}

/// Sums of numbers that the lanes, or all warps of a block, hold; everyone gets them.
template <int kRowWarps>
__device__ __forceinline__ unsigned row_sum(unsigned mine, unsigned (&shared)[2][kWarps], int& turn) {
  mine = __reduce_add_sync(kAllLanes, mine);
  if constexpr (kRowWarps > 1) {
    // Two places in turn: one barrier a sum is enough.
    turn ^= 1;
    if (threadIdx.x == 0) shared[turn][threadIdx.y] = mine;
    __syncthreads();
    mine = 0;
    for (unsigned warp_sum : shared[turn]) mine += warp_sum;
  }
  return mine;
}

/// One warp's stretch of a row: columns first + 32 i + lane. Its keys are kept in kItems registers a lane; none: they
/// are made anew each time.
template <int kItems>
struct Stretch {
  const float* row;
  int first, items, columns, lane;
  unsigned keys[kItems > 0 ? kItems : 1];

  __device__ int column(int i) const { return first + kWarp * i + lane; }
  /// 0 behind the end of the row.
  __device__ unsigned read(int i) const { return column(i) < columns ? order_key(row[column(i)]) : 0u; }

  __device__ void load() {
#pragma unroll
    for (int i = 0; i < kItems; ++i) keys[i] = read(i);
  }
  template <class F>
  __device__ void for_each(const F& f) const {
    if constexpr (kItems > 0) {
#pragma unroll
      for (int i = 0; i < kItems; ++i) f(i, keys[i]);
    } else {
      for (int i = 0; i < items; ++i) f(i, read(i));
    }
  }
  template <class P>
  __device__ unsigned count(const P& holds) const {
    unsigned result = 0;
    for_each([&](int, unsigned key) { result += holds(key) ? 1u : 0u; });
    return result;
  }
};

template <int kItems, int kRowWarps>
__global__ void __launch_bounds__(kWarp* kWarps)
    top_k_kernel(float* values, std::int64_t rows, int columns, const StepScalars* scalars, std::uint32_t* kept) {
  wait_for_previous();
  __shared__ unsigned shared[2][kWarps];
  const int lane = static_cast<int>(threadIdx.x), warp = static_cast<int>(threadIdx.y);
  const int words = (columns + kWarp - 1) / kWarp;
  const int items = kItems > 0 ? kItems : (words + kRowWarps - 1) / kRowWarps;
  const auto wanted = static_cast<std::int64_t>(scalars->kept_units);
  const auto k = static_cast<unsigned>(wanted < columns ? wanted : columns);
  int turn = 0;

  const std::int64_t row = kRowWarps > 1 ? std::int64_t{blockIdx.x} : std::int64_t{blockIdx.x} * kWarps + warp;
  if (row >= rows) return;
  float* const h = values + row * columns;
  Stretch<kItems> mine{h, kRowWarps > 1 ? warp * items * kWarp : 0, items, columns, lane, {}};
  mine.load();

  // At least k keys reach `threshold`; all above it stay, and of those that equal it the first `equals`.
  unsigned threshold = 0, reached = static_cast<unsigned>(columns);
  for (unsigned bit = 0x80000000u; bit != 0 && reached != k; bit >>= 1) {
    const unsigned next = threshold | bit;
    const unsigned count = row_sum<kRowWarps>(mine.count([=](unsigned key) { return key >= next; }), shared, turn);
    if (count < k) continue;
    threshold = next;
    reached = count;
  }
  const unsigned above = row_sum<kRowWarps>(mine.count([=](unsigned key) { return key > threshold; }), shared, turn);
  unsigned before = 0;  // of those that equal it, in earlier columns
  if constexpr (kRowWarps > 1) {
    const unsigned equal = __reduce_add_sync(kAllLanes, mine.count([=](unsigned key) { return key == threshold; }));
    turn ^= 1;
    if (lane == 0) shared[turn][warp] = equal;
    __syncthreads();
    for (int w = 0; w < warp; ++w) before += shared[turn][w];
  }
  const unsigned equals = k - above;

  mine.for_each([&](int i, unsigned key) {
    const int column = mine.column(i);
    const bool equal = key == threshold && column < columns;
    const unsigned equal_lanes = __ballot_sync(kAllLanes, equal);
    const unsigned rank = before + static_cast<unsigned>(__popc(equal_lanes & ((1u << lane) - 1u)));
    const bool stays = key > threshold || (equal && rank < equals);
    before += static_cast<unsigned>(__popc(equal_lanes));
    const unsigned word = __ballot_sync(kAllLanes, stays);
    const int index = mine.first / kWarp + i;
    if (kept && lane == 0 && index < words) kept[row * words + index] = word;
    if (column < columns && !stays) h[column] = 0.0f;
  });
}

}  // namespace

void top_k(const Workspace& workspace, const TopKArgs& p) {
  const auto run = [&](auto items, auto row_warps) {
    constexpr int kItems = decltype(items)::value, kRowWarps = decltype(row_warps)::value;
    const std::int64_t blocks = (p.rows + kWarps / kRowWarps - 1) / (kWarps / kRowWarps);
    launch(&top_k_kernel<kItems, kRowWarps>, step_shape(static_cast<unsigned>(blocks), dim3(kWarp, kWarps), workspace),
           p.values, p.rows, static_cast<int>(p.columns), p.scalars, p.kept);
  };
  constexpr std::integral_constant<int, 1> kOneWarp;
  constexpr std::integral_constant<int, kWarps> kOneBlock;
  if (p.columns <= 8 * kWarp)
    run(std::integral_constant<int, 8>{}, kOneWarp);
  else if (p.columns <= 32 * kWarp)
    run(std::integral_constant<int, 32>{}, kOneWarp);
  else if (p.columns <= 8 * kWarp * kWarps)
    run(std::integral_constant<int, 8>{}, kOneBlock);
  else if (p.columns <= 16 * kWarp * kWarps)
    run(std::integral_constant<int, 16>{}, kOneBlock);
  else
    run(std::integral_constant<int, 0>{}, kOneBlock);
}

}  // namespace lacuna::cuda
