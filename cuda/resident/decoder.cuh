#pragma once

#include "resident/block.cuh"

// Phase B, by outputs: reconstruction, loss, what it means for every unit, and the decoder's update.

namespace lacuna::cuda {

/// Rows of the code, from where all blocks have put theirs.
template <class T, class Format>
__device__ void fetch_code(const ResidentBlock<T, Format>& b, int first, int count) {
  const ResidentLayout& l = b.p.layout;
  const auto* from = reinterpret_cast<const float*>(b.code() + std::int64_t{first} * l.h_stride);
  const int words = count * (l.h_stride * static_cast<int>(sizeof(Code<Format>)) / 4);
  for (int i = b.thread * 4; i < words; i += kResidentThreads * 4) {
    const float4 v = __ldcg(reinterpret_cast<const float4*>(from + i));
    store_shared(b.shared + l.h + i, Floats<4>{{v.x, v.y, v.z, v.w}});
  }
}

/// Of samples `first` to `first` + `count`: delta2 into shared memory, with zeros to a multiple of 4 samples; returns
/// this thread's share of the loss.
template <class T, class Format>
__device__ double find_delta2(const ResidentBlock<T, Format>& b, int first, int count, float scale) {
  const ResidentArgs& p = b.p;
  const ResidentLayout& l = p.layout;
  const LayerPart layer = b.decoder();
  const int padded = (count + 3) / 4 * 4;
  double value = 0;
  each_product(Format{}, Tile<Code<Format>>{b.code_tile(), count, l.h_stride},
               Tile<float>{layer.weight, layer.rows, layer.stride}, layer.columns, b.warp, b.lane,
               [&](int i, int o, float product) {
                 if (i >= padded || o >= layer.rows) return;
                 float delta = 0;
                 if (i < count) {
                   const auto x = static_cast<float>(b.sample(first + i)[b.outputs.begin + o]);
                   const ElementLoss element =
                       loss_of(p.loss, p.output, sizeof(T) == 1 ? x / 255.0f : x, product + layer.bias[o]);
                   value += static_cast<double>(element.value);
                   delta = scale * element.delta;
                 }
                 b.shared[l.delta2 + o * l.delta2_stride + i] = delta;
               });
  return value;
}

/// x^ = A(h W2^T + b2) of this block's outputs, loss, delta2, this block's share of delta2 W2, and the update of W2 and
/// b2.
template <class T, class Format>
__device__ void decode(const ResidentBlock<T, Format>& b) {
  const ResidentArgs& p = b.p;
  const ResidentLayout& l = p.layout;
  double scale = 1.0;
  if (p.reduction != Reduction::sum) scale /= p.shape.rows;
  if (p.reduction == Reduction::element) scale /= p.shape.features;
  const LayerPart layer = b.decoder();
  const Tile<float> weight{layer.weight, layer.rows, layer.stride},
      delta2{b.shared + l.delta2, layer.rows, l.delta2_stride};
  double value = 0;
  for (int first = 0; first < p.shape.rows; first += l.h_rows) {
    const int count = min(l.h_rows, p.shape.rows - first);
    fetch_code(b, first, count);
    __syncthreads();
    value += find_delta2(b, first, count, static_cast<float>(scale));
    __syncthreads();
    each_back_product(
        Format{}, delta2, count, weight, layer.columns, b.thread, [&](int u, int i, const Floats<4>& sums) {
          store<4>(p.memory.products + (std::int64_t{u} * p.shape.blocks + b.block) * l.m_stride + first + i, sums);
        });
    outer_products(Format{}, delta2, Tile<Code<Format>>{b.code_tile(), count, l.h_stride}, layer.columns,
                   b.shared + l.gradient, l.h_stride, first == 0, b.warp, b.lane);
    b.sum_rows(delta2, count, b.shared + l.bias_gradient, first == 0);
    __syncthreads();
  }
  b.update(layer, b.shared + l.gradient, 1.0f, b.shared + l.bias_gradient);
  value = block_sum<kResidentThreads>(value, b.thread);
  if (b.thread == 0) b.values(b.block)[0] = scale * value;
}

}  // namespace lacuna::cuda
