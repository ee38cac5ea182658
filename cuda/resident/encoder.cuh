#pragma once

#include "lacuna/math/penalty.h"
#include "resident/block.cuh"

// Phase A, by units: the encoder's update from the step before, and the code of this step.

namespace lacuna::cuda {

/// delta1 = (delta2 W2 + column gradient + (l1/M) sign h) A'(h) of this block's units: what all blocks have found of
/// delta2 W2 is added up by several threads for each element, in the order of the blocks.
template <class T, class Format>
__device__ void find_delta1(const ResidentBlock<T, Format>& b) {
  const ResidentArgs& p = b.p;
  const ResidentLayout& l = p.layout;
  const int groups = (p.shape.rows + 3) / 4, units = b.units.count, blocks = p.shape.blocks;
  float* parts = b.shared + l.parts;
  for (int task = b.thread; task < groups * units * l.segments; task += kResidentThreads) {
    const int i = task % groups * 4, u = task / groups % units, s = task / groups / units;
    const BlockPart of = block_part(blocks, s, l.segments);
    const float* from = p.memory.products + (std::int64_t{b.units.begin + u} * blocks + of.begin) * l.m_stride + i;
    Floats<4> sum{};
#pragma unroll 8
    for (int k = 0; k < of.count; ++k) {
      const float4 v = __ldcg(reinterpret_cast<const float4*>(from + std::int64_t{k} * l.m_stride));
      sum.at[0] += v.x, sum.at[1] += v.y, sum.at[2] += v.z, sum.at[3] += v.w;
    }
    store_shared(parts + (s * units + u) * l.m_stride + i, sum);
  }
  __syncthreads();
  const float l1 = static_cast<float>(p.sparsity == Sparsity::l1 ? p.l1 / p.shape.rows : 0.0);
  for (int task = b.thread; task < units * l.m_stride; task += kResidentThreads) {
    const int u = task / l.m_stride, i = task % l.m_stride;
    const float h = b.shared[l.code + task];
    float g = 0;
    for (int s = 0; s < l.segments; ++s) g += parts[(s * units + u) * l.m_stride + i];
    g += b.shared[l.column_gradient + u] + l1 * math::L1Penalty::derivative(h);
    b.shared[l.delta1 + task] = i < p.shape.rows ? g * slope_of(p.hidden, h) : 0.0f;
  }
  __syncthreads();
}

/// The update of W1 and b1 that the step before is still to make. Its batch is there, or gathered again.
template <class T, class Format>
__device__ void learn_encoder(const ResidentBlock<T, Format>& b) {
  const ResidentArgs& p = b.p;
  const ResidentLayout& l = p.layout;
  find_delta1(b);
  b.sum_rows(Tile<float>{b.shared + l.delta1, b.units.count, l.m_stride}, p.shape.rows, b.shared + l.bias_gradient,
             true);
  for (int first = 0; first < p.shape.rows; first += l.x_rows) {
    const int count = min(l.x_rows, p.shape.rows - first);
    if (l.x_rows < p.shape.rows) {
      b.gather(first, count);
      __syncthreads();
    }
    outer_products(Format{}, Tile<float>{b.shared + l.delta1 + first, b.units.count, l.m_stride},
                   Tile<T>{b.batch(), count, l.x_stride}, p.shape.features, b.shared + l.gradient, l.d_stride,
                   first == 0, b.warp, b.lane);
    __syncthreads();
  }
  b.update(b.encoder(), b.shared + l.gradient, b.input_scale(), b.shared + l.bias_gradient);
}

/// The mean activation of this block's units, their penalty and its gradient, and into values() what J needs of them.
template <class T, class Format>
__device__ void penalize(const ResidentBlock<T, Format>& b) {
  const ResidentArgs& p = b.p;
  const double samples = p.shape.rows;
  for (int u = b.warp; u < b.units.count; u += kResidentWarps) {
    const float* code = b.shared + p.layout.code + u * p.layout.m_stride;
    double sum = 0, magnitudes = 0;
    for (int i = b.lane; i < p.shape.rows; i += kWarp) {
      sum += static_cast<double>(code[i]);
      magnitudes += static_cast<double>(math::L1Penalty::value(code[i]));
    }
    sum = warp_reduce(sum, Add{});
    magnitudes = warp_reduce(magnitudes, Add{});
    if (b.lane != 0) continue;
    const double mean = sum / samples;
    double penalty = p.sparsity == Sparsity::l1 ? p.l1 / samples * magnitudes : 0.0;
    if (p.sparsity == Sparsity::kl) {
      penalty = p.beta * math::KlPenalty::value(p.rho, mean);
      b.shared[p.layout.column_gradient + u] =
          static_cast<float>(p.beta / samples * math::KlPenalty::derivative(p.rho, mean));
    }
    b.unit_values()[2 * u] = penalty;
    b.unit_values()[2 * u + 1] = mean;
  }
  const double squares = block_sum<kResidentThreads>(b.squares(b.encoder()) + b.squares(b.decoder()), b.thread);
  if (b.thread != 0) return;
  double penalty = 0, activation = 0;
  for (int u = 0; u < b.units.count; ++u) {
    penalty += b.unit_values()[2 * u];
    activation += b.unit_values()[2 * u + 1];
  }
  double* values = b.values(b.block);
  values[1] = penalty;
  values[2] = squares;
  values[3] = activation;
}

/// h = A(x W1^T + b1) of this block's units, for itself and for all others.
template <class T, class Format>
__device__ void encode(const ResidentBlock<T, Format>& b) {
  const ResidentArgs& p = b.p;
  const ResidentLayout& l = p.layout;
  const LayerPart layer = b.encoder();
  for (int first = 0; first < p.shape.rows; first += l.x_rows) {
    const int count = min(l.x_rows, p.shape.rows - first);
    b.gather(first, count);
    __syncthreads();
    each_product(Format{}, Tile<T>{b.batch(), count, l.x_stride}, Tile<float>{layer.weight, layer.rows, layer.stride},
                 layer.columns, b.warp, b.lane, [&](int i, int u, float product) {
                   if (i >= count || u >= layer.rows) return;
                   const float h = activation_of(p.hidden, b.input_scale() * product + layer.bias[u]);
                   b.shared[l.code + u * l.m_stride + first + i] = h;
                   b.code()[std::int64_t{first + i} * l.h_stride + b.units.begin + u] = code_of<Format>(h);
                 });
    __syncthreads();
  }
  penalize(b);
}

}  // namespace lacuna::cuda
