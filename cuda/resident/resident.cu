// Training steps of an autoencoder with one hidden layer, in one launch:
//   h = A1(x W1^T + b1), y = A2(h W2^T + b2), J = R(x, y) + S(h) + decay, and the optimizer's update of W1, b1, W2, b2.
//
// x [M, D] is gathered from the data set [N, D] uint8 or float32; W1 [H, D], W2 [D, H]. Block b owns the units
// [b H / B, (b + 1) H / B) and the outputs [b D / B, ...): their weights and moments stay in its shared memory for all
// steps of a launch. A step is two phases, each ended by a barrier of the grid. A, by units: the update of W1 and b1
// that the step before has left to do, then h and the penalty. B, by outputs: loss, delta2, this block's part of
// delta2 W2, the update of W2 and b2. Blocks exchange h and those parts through global memory (docs/resident.md).
// Products in float32, or on tensor cores from operands rounded to TF32 or bfloat16; all else is float32.
// Cooperative launch, 256 threads, one block on a multiprocessor. Deterministic for one number of blocks; a run has the
// same bits however it is cut into launches.

#include "device/grid_barrier.cuh"
#include "device/shared.cuh"
#include "kernels/step_ends.cuh"
#include "resident/decoder.cuh"
#include "resident/encoder.cuh"
#include "resident/resident.h"
#include "runtime/launch.h"

namespace lacuna::cuda {

namespace {

template <class T, class Format>
__device__ void begin_step(ResidentBlock<T, Format>& b) {
  ++b.state.step;
  b.find_samples();
  __syncthreads();
  // Not before: the encoder has just learned by the scalars of the step before.
  if (b.thread == 0)
    b.scalars() =
        scalars_of_step(b.state.step, {nullptr, nullptr, static_cast<float>(b.p.shape.rows), b.p.optimizer, {}});
}

/// The step's slot of the ring, from what all blocks have put into their values.
template <class T, class Format>
__device__ void report(const ResidentBlock<T, Format>& b) {
  if (b.block != 0 || b.warp != 0) return;
  double terms[4] = {};
  for (int other = b.lane; other < b.p.shape.blocks; other += kWarp)
    for (int i = 0; i < 4; ++i) terms[i] += __ldcg(b.values(other) + i);
  for (double& term : terms) term = warp_reduce(term, Add{});
  if (b.lane != 0) return;
  StepLoss loss;
  loss.reconstruction = terms[0];
  loss.sparsity = terms[1];
  loss.weight_decay = 0.5 * b.p.weight_decay * terms[2];
  loss.mean_activation = terms[3] / b.p.shape.units;
  loss.samples = b.p.shape.rows;
  b.p.memory.ring[(b.state.step - 1) % b.p.ring_capacity] = loss;
}

template <class T, class Format>
__device__ void end_step(ResidentBlock<T, Format>& b) {
  report(b);
  b.state.position += b.p.shape.rows;
  if (b.state.position < b.p.data_rows) return;
  b.state.position = 0;
  ++b.state.epoch;
}

template <class T, class Format>
__global__ void __launch_bounds__(kResidentThreads, 1) resident_kernel(const __grid_constant__ ResidentArgs p) {
  LACUNA_DYNAMIC_SHARED(shared);
  ResidentBlock<T, Format> b(p, shared);
  b.load();
  for (int i = 0; i < p.steps; ++i) {
    if (i > 0) learn_encoder(b);
    begin_step(b);
    encode(b);
    grid_barrier();
    decode(b);
    grid_barrier();
    end_step(b);
  }
  learn_encoder(b);
  __syncthreads();
  b.store();
  if (b.block != 0 || b.thread != 0) return;
  *p.memory.state = b.state;
  *p.memory.scalars = b.scalars();
}

template <class Format, class F>
auto with_kernel_of(const ResidentShape& shape, const F& f) {
  return shape.data_bytes == 1 ? f(&resident_kernel<std::uint8_t, Format>) : f(&resident_kernel<float, Format>);
}
template <class F>
auto with_kernel(const ResidentShape& shape, const F& f) {
  if (shape.precision == Precision::tf32) return with_kernel_of<Tf32>(shape, f);
  if (shape.precision == Precision::bf16) return with_kernel_of<Bf16>(shape, f);
  return with_kernel_of<Fp32>(shape, f);
}

}  // namespace

int prepare_resident(const ResidentShape& shape, std::int64_t shared_bytes) {
  return with_kernel(shape, [&](auto* kernel) {
    int blocks = 0;
    LACUNA_CUDA(
        cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(shared_bytes)));
    LACUNA_CUDA(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, kernel, kResidentThreads,
                                                              static_cast<std::size_t>(shared_bytes)));
    return blocks;
  });
}

void launch_resident(const ResidentArgs& p, cudaStream_t stream) {
  with_kernel(p.shape, [&](auto* kernel) {
    launch_cooperative(kernel,
                       LaunchShape(static_cast<unsigned>(p.shape.blocks), kResidentThreads,
                                   static_cast<std::size_t>(p.layout.bytes), stream),
                       p);
  });
}

}  // namespace lacuna::cuda
