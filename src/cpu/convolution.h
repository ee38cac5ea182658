#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <vector>

#include "cpu/convolution_kernels.h"
#include "lacuna/backend.h"
#include "lacuna/network.h"

namespace lacuna::cpu {

/// The three products of one convolution (transposed or not) on `rows` samples. Arguments have the shapes and layouts
/// of ConvolutionForward and ConvolutionBackward. Made once per plan, with tables and scratch memory: calls allocate
/// nothing.
class ConvolutionProducts {
 public:
  /// Throws Error if there is no memory.
  ConvolutionProducts(const Convolution& convolution, std::int64_t rows, int threads);

  void forward(const float* input, const float* weight, float* output) const;
  void weight_gradient(const float* delta, const float* input, float* gradient) const;
  void input_gradient(const float* delta, const float* weight, float* gradient) const;

  const Convolution& convolution() const { return convolution_; }
  std::int64_t rows() const { return rows_; }

 private:
  struct Table {
    std::vector<std::int32_t> place, tap, target, weight;
  };

  // A transposed convolution is a plain one read the other way: `outer` is the side with the larger extents of a
  // strided one, `inner` the other.
  void to_inner(const float* outer, const float* weight, float* inner) const;
  void to_outer(const float* inner, const float* weight, float* outer) const;

  BorderedPlanes outer_planes() const;
  Patches keep(Table table);
  Patches patches_of_outer();
  void add_phase(std::int64_t row_phase, std::int64_t column_phase);
  Patches single_places();
  void allocate_scratch();
  ConvolutionLoop loop(const BorderedPlanes& source, const std::vector<Patches>& patches, std::int64_t units,
                       std::int64_t unit_stride, float* bordered) const;

  const Convolution convolution_;
  const std::int64_t rows_;
  const int threads_;
  const Convolution plain_;  ///< from outer to inner
  const std::int64_t inner_height_, inner_width_, kernel_area_;
  const bool dense_;   ///< every output sees the whole sample: a product of matrices
  const bool folded_;  ///< the way to outer adds up patches: too few channels to fill a vector

  std::list<Table> tables_;
  BorderedPlanes outer_ = {}, inner_ = {};
  std::vector<Patches> to_inner_, to_outer_;
  std::unique_ptr<DeviceBuffer> memory_;
  float *bordered_outer_ = nullptr, *bordered_inner_ = nullptr, *packed_ = nullptr, *tile_ = nullptr;
  std::int64_t tile_stride_ = 0;
};

}  // namespace lacuna::cpu
