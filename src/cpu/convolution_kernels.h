#pragma once

#include <cstdint>

// The loops of convolutions (convolution.inl), and the tables that lead them. A convolution is a product with the
// patches that its kernel sees: K. Chellapilla, S. Puri, P. Simard, "High performance convolutional neural networks for
// document processing", 2006. The patches are not written out: element k of the patch at place p lies at
// place[p] + tap[k] in a sample with a border of zeros.

namespace lacuna::cpu {

/// Samples [channels, height, width] and the same with a border.
struct BorderedPlanes {
  std::int64_t channels, height, width;
  std::int64_t top, left, bordered_height, bordered_width;
  std::int64_t elements() const { return channels * height * width; }
  std::int64_t bordered_elements() const { return channels * bordered_height * bordered_width; }
  bool has_border() const { return bordered_height != height || bordered_width != width; }
};

/// Places that all see the same taps. Offsets are elements of a bordered sample; a tap's may be negative.
struct Patches {
  std::int64_t places, taps;
  const std::int32_t* place;
  const std::int32_t* tap;
  const std::int32_t* target;  ///< [places]: position within each plane of the result
  const std::int32_t* weight;  ///< [taps]: element of the weight, for unit 0
};

/// What every loop gets. Unit u of tap k is element weight[k] + u * unit_stride of the weight; units are the channels
/// of the result. `rows` samples are divided among the threads.
struct ConvolutionLoop {
  std::int64_t rows;
  int threads;
  BorderedPlanes source;
  const Patches* patches;  ///< of a strided convolution's way back there are several, of different taps
  std::int64_t patch_kinds;
  std::int64_t units, unit_stride;
  float* bordered;  ///< [threads, bordered_elements]: zeros outside of the sample
  float* packed;    ///< the weight, of all patches
  float* tile;      ///< [threads, tile_stride]
  std::int64_t tile_stride;
};

/// result [rows, units, result_plane] = patches of source [rows, channels, height, width] times weight
struct ConvolutionProductArgs {
  ConvolutionLoop loop;
  const float* source;
  const float* weight;
  float* result;
  std::int64_t result_plane;
};

/// result [rows, channels, height, width]: each place adds its row of (source weight) to the patch that it sees; what
/// falls on the border is dropped. The loop's patches are those of the source, which has no border; `seen` are those of
/// the result.
struct ConvolutionFoldArgs {
  ConvolutionLoop loop;
  const float* source;
  const float* weight;
  float* result;
  BorderedPlanes result_planes;
  Patches seen;
  float* folded;  ///< [threads, result_planes.bordered_elements()]
};

/// gradient [of the weight] = sum over samples and places of patch times delta [rows, units, places]; one kind of
/// patches. The loop's `packed` holds [threads] times the sums.
struct ConvolutionGradientArgs {
  ConvolutionLoop loop;
  const float* source;
  const float* delta;
  float* gradient;
};

}  // namespace lacuna::cpu
