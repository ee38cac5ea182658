// Part of kernels.inl: convolutions. Units lie along the vectors; a tile of places (or of taps, for the gradient of the
// weights) by units is summed in registers, as in gemm.inl. Samples are divided among the threads, and what threads sum
// up is added in their order.

#include "cpu/convolution_kernels.h"

namespace lacuna::cpu::LACUNA_CPU_TARGET {
namespace {

/// Places or taps of a tile that is one vector wide.
constexpr int kNarrowTileRows = 12;

std::int64_t padded_units(std::int64_t units) {
  return quotient_up(units, kLanes) * kLanes;
}

/// A sample with its border, in this thread's memory; the sample itself if it needs none.
const float* bordered_sample(const ConvolutionLoop& p, const float* source, std::int64_t row) {
  const BorderedPlanes& s = p.source;
  const float* from = source + row * s.elements();
  if (!s.has_border()) return from;
  float* bordered = p.bordered + omp_get_thread_num() * s.bordered_elements();
  float* to = bordered + s.top * s.bordered_width + s.left;
  for (std::int64_t c = 0; c < s.channels; ++c)
    for (std::int64_t y = 0; y < s.height; ++y) {
      const float* line = from + (c * s.height + y) * s.width;
      float* bordered_line = to + (c * s.bordered_height + y) * s.bordered_width;
      for (std::int64_t x = 0; x < s.width; ++x) bordered_line[x] = line[x];
    }
  return bordered;
}

/// Calls f(first unit, number of vectors) for each tile of units: two vectors wide, the last one perhaps one.
template <class F>
void for_unit_tiles(std::int64_t units, const F& f) {
  const std::int64_t padded = padded_units(units);
  for (std::int64_t unit = 0; unit < padded; unit += kTileColumns) f(unit, padded - unit > kLanes ? 2 : 1);
}

/// Where unit tiles of packed weights begin: [tile][tap][units of the tile].
std::int64_t packed_offset(std::int64_t unit, std::int64_t taps) {
  return unit * taps;
}

void pack_weights(const ConvolutionLoop& p, const float* weight) {
  float* to = p.packed;
  for (std::int64_t kind = 0; kind < p.patch_kinds; ++kind) {
    const Patches& patches = p.patches[kind];
    const Part mine = share(patches.taps, 1);
    for_unit_tiles(p.units, [&](std::int64_t unit, int vectors) {
      const std::int64_t width = vectors * kLanes, units = smaller(width, p.units - unit);
      for (std::int64_t k = mine.begin; k < mine.end; ++k) {
        const float* from = weight + patches.weight[k] + unit * p.unit_stride;
        float* line = to + packed_offset(unit, patches.taps) + k * width;
        for (std::int64_t u = 0; u < width; ++u) line[u] = u < units ? from[u * p.unit_stride] : 0.0f;
      }
    });
    to += padded_units(p.units) * patches.taps;
  }
#pragma omp barrier
}

template <int kPlaces, int kVectors>
void product_tile(const float* source, const Patches& patches, std::int64_t first, const float* weights, float* out,
                  std::int64_t stride) {
  std::int64_t place[kPlaces];
  for (int i = 0; i < kPlaces; ++i) place[i] = patches.place[first + i];
  Vector sum[kPlaces][kVectors] = {};
  for (std::int64_t k = 0; k < patches.taps; ++k, weights += kVectors * kLanes) {
    const float* from = source + patches.tap[k];
    Vector right[kVectors];
#pragma GCC unroll 2
    for (int v = 0; v < kVectors; ++v) right[v] = load(weights + v * kLanes);
#pragma GCC unroll 12
    for (int i = 0; i < kPlaces; ++i)
#pragma GCC unroll 2
      for (int v = 0; v < kVectors; ++v) sum[i][v] += from[place[i]] * right[v];
  }
#pragma GCC unroll 12
  for (int i = 0; i < kPlaces; ++i)
#pragma GCC unroll 2
    for (int v = 0; v < kVectors; ++v) store(out + (first + i) * stride + v * kLanes, sum[i][v]);
}

/// All places from `first` on, in tiles of kPlaces and then of half as many.
template <int kPlaces, int kVectors>
void product_places(const float* source, const Patches& patches, std::int64_t first, const float* weights, float* out,
                    std::int64_t stride) {
  for (; first + kPlaces <= patches.places; first += kPlaces)
    product_tile<kPlaces, kVectors>(source, patches, first, weights, out, stride);
  if constexpr (kPlaces > 1) {
    if (first < patches.places) product_places<kPlaces / 2, kVectors>(source, patches, first, weights, out, stride);
  }
}

/// tile [places, padded units] = patches of one bordered sample times the packed weights
void product_of_patches(const float* source, const Patches& patches, std::int64_t units, const float* packed,
                        float* tile) {
  const std::int64_t stride = padded_units(units);
  for_unit_tiles(units, [&](std::int64_t unit, int vectors) {
    const float* weights = packed + packed_offset(unit, patches.taps);
    vectors == 2 ? product_places<kTileRows, 2>(source, patches, 0, weights, tile + unit, stride)
                 : product_places<kNarrowTileRows, 1>(source, patches, 0, weights, tile + unit, stride);
  });
}

void convolution_product(const ConvolutionProductArgs& p) {
  const ConvolutionLoop& loop = p.loop;
  on_threads(loop.threads, [&] {
    pack_weights(loop, p.weight);
    const Part mine = share(loop.rows, 1);
    float* tile = loop.tile + omp_get_thread_num() * loop.tile_stride;
    const std::int64_t stride = padded_units(loop.units);
    for (std::int64_t row = mine.begin; row < mine.end; ++row) {
      const float* source = bordered_sample(loop, p.source, row);
      float* result = p.result + row * loop.units * p.result_plane;
      const float* packed = loop.packed;
      for (std::int64_t kind = 0; kind < loop.patch_kinds; ++kind) {
        const Patches& patches = loop.patches[kind];
        product_of_patches(source, patches, loop.units, packed, tile);
        for (std::int64_t u = 0; u < loop.units; ++u)
          for (std::int64_t i = 0; i < patches.places; ++i)
            result[u * p.result_plane + patches.target[i]] = tile[i * stride + u];
        packed += stride * patches.taps;
      }
    }
  });
}

void convolution_fold(const ConvolutionFoldArgs& p) {
  const ConvolutionLoop& loop = p.loop;
  const BorderedPlanes& r = p.result_planes;
  on_threads(loop.threads, [&] {
    pack_weights(loop, p.weight);
    const Part mine = share(loop.rows, 1);
    float* tile = loop.tile + omp_get_thread_num() * loop.tile_stride;
    float* folded = p.folded + omp_get_thread_num() * r.bordered_elements();
    const std::int64_t stride = padded_units(loop.units);
    for (std::int64_t row = mine.begin; row < mine.end; ++row) {
      product_of_patches(p.source + row * loop.source.elements(), loop.patches[0], loop.units, loop.packed, tile);
      for (std::int64_t i = 0; i < r.bordered_elements(); ++i) folded[i] = 0.0f;
      for (std::int64_t i = 0; i < p.seen.places; ++i) {
        float* at = folded + p.seen.place[i];
        for (std::int64_t k = 0; k < p.seen.taps; ++k) at[p.seen.tap[k]] += tile[i * stride + k];
      }
      for (std::int64_t c = 0; c < r.channels; ++c)
        for (std::int64_t y = 0; y < r.height; ++y) {
          const float* from = folded + (c * r.bordered_height + r.top + y) * r.bordered_width + r.left;
          float* to = p.result + row * r.elements() + (c * r.height + y) * r.width;
          for (std::int64_t x = 0; x < r.width; ++x) to[x] = from[x];
        }
    }
  });
}

template <int kTaps, int kVectors>
void gradient_tile(const float* source, const Patches& patches, std::int64_t first, const float* delta,
                   std::int64_t stride, float* sums) {
  std::int64_t tap[kTaps];
  for (int i = 0; i < kTaps; ++i) tap[i] = patches.tap[first + i];
  Vector sum[kTaps][kVectors] = {};
  for (std::int64_t p = 0; p < patches.places; ++p, delta += stride) {
    const float* from = source + patches.place[p];
    Vector right[kVectors];
#pragma GCC unroll 2
    for (int v = 0; v < kVectors; ++v) right[v] = load(delta + v * kLanes);
#pragma GCC unroll 12
    for (int i = 0; i < kTaps; ++i)
#pragma GCC unroll 2
      for (int v = 0; v < kVectors; ++v) sum[i][v] += from[tap[i]] * right[v];
  }
  sums += first * kVectors * kLanes;
#pragma GCC unroll 12
  for (int i = 0; i < kTaps; ++i)
#pragma GCC unroll 2
    for (int v = 0; v < kVectors; ++v, sums += kLanes) store(sums, load(sums) + sum[i][v]);
}

template <int kTaps, int kVectors>
void gradient_taps(const float* source, const Patches& patches, std::int64_t first, const float* delta,
                   std::int64_t stride, float* sums) {
  for (; first + kTaps <= patches.taps; first += kTaps)
    gradient_tile<kTaps, kVectors>(source, patches, first, delta, stride, sums);
  if constexpr (kTaps > 1) {
    if (first < patches.taps) gradient_taps<kTaps / 2, kVectors>(source, patches, first, delta, stride, sums);
  }
}

void convolution_gradient(const ConvolutionGradientArgs& p) {
  const ConvolutionLoop& loop = p.loop;
  const Patches& patches = loop.patches[0];
  const std::int64_t stride = padded_units(loop.units), sums_elements = stride * patches.taps;
  on_threads(loop.threads, [&] {
    const Part mine = share(loop.rows, 1);
    float* sums = loop.packed + omp_get_thread_num() * sums_elements;
    float* turned = loop.tile + omp_get_thread_num() * loop.tile_stride;  // [places, padded units]
    for (std::int64_t i = 0; i < sums_elements; ++i) sums[i] = 0.0f;
    for (std::int64_t i = 0; i < patches.places * stride; ++i) turned[i] = 0.0f;
    for (std::int64_t row = mine.begin; row < mine.end; ++row) {
      const float* source = bordered_sample(loop, p.source, row);
      const float* delta = p.delta + row * loop.units * patches.places;
      for (std::int64_t u = 0; u < loop.units; ++u)
        for (std::int64_t i = 0; i < patches.places; ++i) turned[i * stride + u] = delta[u * patches.places + i];
      for_unit_tiles(loop.units, [&](std::int64_t unit, int vectors) {
        float* of_tile = sums + packed_offset(unit, patches.taps);
        vectors == 2 ? gradient_taps<kTileRows, 2>(source, patches, 0, turned + unit, stride, of_tile)
                     : gradient_taps<kNarrowTileRows, 1>(source, patches, 0, turned + unit, stride, of_tile);
      });
    }
#pragma omp barrier
    const Part taps = share(patches.taps, 1);
    const std::int64_t threads = omp_get_num_threads();
    for_unit_tiles(loop.units, [&](std::int64_t unit, int vectors) {
      const std::int64_t width = vectors * kLanes, units = smaller(width, loop.units - unit);
      for (std::int64_t k = taps.begin; k < taps.end; ++k)
        for (std::int64_t u = 0; u < units; ++u) {
          const float* at = loop.packed + packed_offset(unit, patches.taps) + k * width + u;
          float sum = at[0];
          for (std::int64_t t = 1; t < threads; ++t) sum += at[t * sums_elements];
          p.gradient[patches.weight[k] + (unit + u) * loop.unit_stride] = sum;
        }
    });
  });
}

}  // namespace
}  // namespace lacuna::cpu::LACUNA_CPU_TARGET
