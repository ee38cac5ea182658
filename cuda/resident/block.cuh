#pragma once

#include "device/block.cuh"
#include "lacuna/math/feistel.h"
#include "resident/formulas.cuh"
#include "resident/products.cuh"
#include "resident/resident_shape.h"
#include "resident/tensor_products.cuh"

// A block of the resident kernel: its units and outputs, its shared memory, and what both layers do with them. T is the
// type of the data set, Format what products are made in.

namespace lacuna::cuda {

__device__ __forceinline__ void copy16(float* to, const float* from) {
  store_shared(to, cuda::load<4>(from));
}
__device__ __forceinline__ void copy16(std::uint8_t* to, const std::uint8_t* from) {
  *reinterpret_cast<uint4*>(to) = *reinterpret_cast<const uint4*>(from);
}

/// The parameters of one layer that a block owns, in shared memory; each moment lies `..._moment` floats further.
struct LayerPart {
  float *weight, *bias;
  int rows, columns, stride;
  int weight_moment, bias_moment;
};

template <class T, class Format>
struct ResidentBlock {
  const ResidentArgs& p;
  float* shared;
  int thread, warp, lane, block;
  BlockPart units, outputs;
  StepState state;  // the same in every thread

  __device__ ResidentBlock(const ResidentArgs& args, float* memory)
      : p(args),
        shared(memory),
        thread(static_cast<int>(threadIdx.x)),
        warp(thread / kWarp),
        lane(thread % kWarp),
        block(static_cast<int>(blockIdx.x)),
        units(block_part(p.shape.units, block, p.shape.blocks)),
        outputs(block_part(p.shape.features, block, p.shape.blocks)),
        state(*p.memory.state) {}

  __device__ LayerPart encoder() const {
    const ResidentLayout& l = p.layout;
    return {shared + l.w1, shared + l.b1,        units.count,          p.shape.features,
            l.d_stride,    l.units * l.d_stride, (l.units + 3) / 4 * 4};
  }
  __device__ LayerPart decoder() const {
    const ResidentLayout& l = p.layout;
    return {shared + l.w2, shared + l.b2,          outputs.count,          p.shape.units,
            l.h_stride,    l.outputs * l.h_stride, (l.outputs + 3) / 4 * 4};
  }
  __device__ T* batch() const { return reinterpret_cast<T*>(shared + p.layout.x); }
  /// The code of all units, and the rows of it that are here.
  __device__ Code<Format>* code() const { return static_cast<Code<Format>*>(p.memory.code); }
  __device__ Code<Format>* code_tile() const { return reinterpret_cast<Code<Format>*>(shared + p.layout.h); }
  __device__ int* order() const { return reinterpret_cast<int*>(shared + p.layout.order); }
  __device__ StepScalars& scalars() const { return *reinterpret_cast<StepScalars*>(shared + p.layout.scalars); }
  __device__ double* unit_values() const { return reinterpret_cast<double*>(shared + p.layout.unit_values); }
  /// The terms of J of this block in this step: reconstruction, sparsity, squares of weights, activations. Two by
  /// turns: while one is read, blocks that are ahead write the other.
  __device__ double* values(int of_block) const {
    return p.memory.values + ((state.step & 1) * p.shape.blocks + of_block) * 4;
  }
  /// Bytes are multiplied as the whole numbers that they are.
  __device__ static constexpr float input_scale() { return sizeof(T) == 1 ? 1.0f / 255.0f : 1.0f; }

  /// Parameters and moments, from where they lie between launches to shared memory, or back.
  template <class F>
  __device__ void each_parameter(const LayerPart& layer, float* weight, float* bias, const F& f) const {
    for (int copy = 0; copy <= p.shape.moments; ++copy) {
      const std::int64_t away = copy > 0 ? p.memory.to_moment[copy - 1] : 0;
      for (int r = 0; r < layer.rows; ++r)
        for (int k = thread; k < layer.columns; k += kResidentThreads)
          f(layer.weight[copy * layer.weight_moment + r * layer.stride + k],
            weight[away + std::int64_t{r} * layer.columns + k]);
      for (int r = thread; r < layer.rows; r += kResidentThreads)
        f(layer.bias[copy * layer.bias_moment + r], bias[away + r]);
    }
  }
  template <class F>
  __device__ void each_parameter(const F& f) const {
    each_parameter(encoder(), p.memory.w1 + std::int64_t{units.begin} * p.shape.features, p.memory.b1 + units.begin, f);
    each_parameter(decoder(), p.memory.w2 + std::int64_t{outputs.begin} * p.shape.units, p.memory.b2 + outputs.begin,
                   f);
  }

  __device__ void load() const {
    for (int i = thread; i < p.layout.delta2; i += kResidentThreads) shared[i] = 0;
    __syncthreads();
    each_parameter([](float& here, const float& there) { here = there; });
  }
  __device__ void store() const {
    each_parameter([](float& here, float& there) { there = here; });
  }

  /// One step of the optimizer on a layer. `scale` is what the weights' gradient still lacks.
  __device__ void update(const LayerPart& layer, const float* gradient, float scale, const float* bias_gradient) const {
    const auto decay = static_cast<float>(p.weight_decay);
    with_update(p.optimizer, scalars(), [&](const auto& rule) {
      for (int r = 0; r < layer.rows; ++r)
        for (int k = thread; k < layer.columns; k += kResidentThreads) {
          float* at = layer.weight + r * layer.stride + k;
          rule(at, layer.weight_moment, scale * gradient[r * layer.stride + k] + decay * *at);
        }
      for (int r = thread; r < layer.rows; r += kResidentThreads)
        rule(layer.bias + r, layer.bias_moment, bias_gradient[r]);
    });
  }

  /// sums[r] = sum over i of rows_ri, or, unless `first`, that much more; by a warp for each row.
  __device__ void sum_rows(const Tile<float>& rows, int count, float* sums, bool first) const {
    for (int r = warp; r < rows.rows; r += kResidentWarps) {
      float sum = 0;
      for (int i = lane; i < count; i += kWarp) sum += rows.row(r)[i];
      sum = warp_reduce(sum, Add{});
      if (lane == 0) sums[r] = first ? sum : sums[r] + sum;
    }
  }

  /// The squares of the weights of a layer, this thread's share.
  __device__ double squares(const LayerPart& layer) const {
    double sum = 0;
    for (int r = 0; r < layer.rows; ++r)
      for (int k = thread; k < layer.columns; k += kResidentThreads) {
        const float w = layer.weight[r * layer.stride + k];
        sum += static_cast<double>(w * w);
      }
    return sum;
  }

  /// Which rows of the data set this step's samples are.
  __device__ void find_samples() const {
    const math::FeistelOrder shuffled(p.seed, static_cast<std::uint64_t>(state.epoch),
                                      static_cast<std::uint64_t>(p.data_rows));
    for (int i = thread; i < p.shape.rows; i += kResidentThreads) {
      const auto position = static_cast<std::uint64_t>(state.position + i);
      order()[i] = static_cast<int>(p.shuffle ? shuffled(position) : position);
    }
  }
  __device__ const T* sample(int i) const {
    return static_cast<const T*>(p.memory.data) + std::int64_t{order()[i]} * p.shape.features;
  }

  /// Samples `first` to `first` + `count` into shared memory: 16 bytes at a time where rows allow it.
  __device__ void gather(int first, int count) const {
    constexpr int kAtOnce = 16 / sizeof(T);
    const int columns = p.shape.features, padded = (columns + 3) / 4 * 4;
    for (int i = warp; i < count; i += kResidentWarps) {
      const T* from = sample(first + i);
      T* to = batch() + i * p.layout.x_stride;
      if (columns % kAtOnce == 0)
        for (int k = lane * kAtOnce; k < columns; k += kWarp * kAtOnce) copy16(to + k, from + k);
      else
        for (int k = lane; k < padded; k += kWarp) to[k] = k < columns ? from[k] : T{};
    }
  }
};

}  // namespace lacuna::cuda
