// batch_i = data_order(position + i), as float; bytes are divided by 255; and the row's label.
//
// data [N, D] uint8 or float32, batch [M, D], row-major; labels [N], batch labels [M]. order is the identity or the
// keyed Feistel permutation of this epoch (math/feistel.h), worked out by each thread for its row: no storage, no
// lookup. Threads: a warp for 32 vectors of one row, 8 rows a block; four elements each where rows are aligned; any
// size. Reads M D elements, writes M D floats. Deterministic. A block more begins the step, if that is wanted: nothing
// else here reads what it writes. The batch and the scalars of the step after the current one can be had ahead.

#include "device/block.cuh"
#include "device/vector.cuh"
#include "kernels/pass_launch.h"
#include "kernels/step_ends.cuh"
#include "lacuna/math/feistel.h"

namespace lacuna::cuda {

namespace {

constexpr int kRowsPerBlock = 8;

template <int kWidth, class T>
__global__ void __launch_bounds__(kWarp* kRowsPerBlock)
    gather_kernel(const T* data, std::int64_t data_rows, std::int64_t columns, const StepState* state, float* batch,
                  std::int64_t rows, bool shuffle, std::uint64_t seed, const std::int32_t* labels,
                  std::int32_t* batch_labels, BeginStepArgs begin) {
  wait_for_previous();
  if (begin.state && blockIdx.x == gridDim.x - 1) {
    if (blockIdx.y == 0 && threadIdx.x == 0 && threadIdx.y == 0) begin_the_step(begin);
    return;
  }
  const std::int64_t i = std::int64_t{blockIdx.x} * kRowsPerBlock + threadIdx.y;
  if (i >= rows) return;
  StepState at = *state;
  if (begin.ahead) advance(at, rows, data_rows);
  std::int64_t row = at.position + i;
  if (shuffle) {
    const math::FeistelOrder order(seed, static_cast<std::uint64_t>(at.epoch), static_cast<std::uint64_t>(data_rows));
    row = static_cast<std::int64_t>(order(static_cast<std::uint64_t>(row)));
  }
  if (labels && blockIdx.y == 0 && threadIdx.x == 0) batch_labels[i] = labels[row];
  const T* from = data + row * columns;
  float* to = batch + i * columns;
  const std::int64_t stride = std::int64_t{gridDim.y} * kWarp * kWidth;
  for (std::int64_t j = (std::int64_t{blockIdx.y} * kWarp + threadIdx.x) * kWidth; j < columns; j += stride) {
    Floats<kWidth> values = load<kWidth>(from + j);
    if constexpr (sizeof(T) == 1)
#pragma unroll
      for (int w = 0; w < kWidth; ++w) values.at[w] /= 255.0f;
    store<kWidth>(to + j, values);
  }
}

}  // namespace

void gather(const Workspace& workspace, const GatherArgs& p) {
  const auto run = [&](const auto* data) {
    with_width(common_width(p.columns, data, p.batch), [&](auto width) {
      constexpr int kWidth = decltype(width)::value;
      // Small batches are spread over more blocks by columns; large ones fill the device by rows.
      const std::int64_t row_blocks = (p.rows + kRowsPerBlock - 1) / kRowsPerBlock;
      const std::int64_t pieces = (p.columns + kWarp * kWidth - 1) / (kWarp * kWidth);
      const std::int64_t wanted = (8 * std::int64_t{workspace.multiprocessors} + row_blocks - 1) / row_blocks;
      const dim3 grid(static_cast<unsigned>(row_blocks + (p.begin.state ? 1 : 0)),
                      static_cast<unsigned>(std::min(pieces, wanted)));
      launch(&gather_kernel<kWidth, std::remove_const_t<std::remove_pointer_t<decltype(data)>>>,
             step_shape(grid, dim3(kWarp, kRowsPerBlock), workspace), data, p.data_rows, p.columns, p.state, p.batch,
             p.rows, p.shuffle, p.seed, p.labels, p.batch_labels, p.begin);
    });
  };
  if (p.dtype == DType::u8)
    run(static_cast<const std::uint8_t*>(p.data));
  else
    run(static_cast<const float*>(p.data));
}

}  // namespace lacuna::cuda
