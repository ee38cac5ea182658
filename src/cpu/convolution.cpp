#include "cpu/convolution.h"

#include <algorithm>
#include <utility>

#include "cpu/cpu_executable.h"
#include "cpu/gemm.h"
#include "cpu/kernels.h"

namespace lacuna::cpu {

namespace {

/// Channels below which a vector of them would be mostly empty.
constexpr std::int64_t kFewChannels = 8;
/// The widest tile of units that an instruction set has, for the padding of scratch memory.
constexpr std::int64_t kWidest = 32;

std::int64_t padded(std::int64_t count) {
  return (count + kWidest - 1) / kWidest * kWidest;
}

std::int32_t offset(std::int64_t value) {
  return static_cast<std::int32_t>(value);
}

std::int64_t floor_div(std::int64_t a, std::int64_t b) {
  return a / b - (a % b < 0 ? 1 : 0);
}

}  // namespace

ConvolutionProducts::ConvolutionProducts(const Convolution& convolution, std::int64_t rows, int threads)
    : convolution_(convolution),
      rows_(rows),
      threads_(threads),
      plain_(convolution.transposed ? convolution.mirrored() : convolution),
      inner_height_(convolution.transposed ? convolution.height_in : convolution.height_out()),
      inner_width_(convolution.transposed ? convolution.width_in : convolution.width_out()),
      kernel_area_(plain_.kernel * plain_.kernel),
      dense_(inner_height_ == 1 && inner_width_ == 1 && plain_.padding == 0 && plain_.kernel == plain_.height_in &&
             plain_.kernel == plain_.width_in),
      folded_(plain_.channels_in < kFewChannels) {
  if (dense_) return;
  outer_ = outer_planes();
  to_inner_ = {patches_of_outer()};
  // Rows and columns of zeros for the taps that reach beyond the first and the last place.
  const std::int64_t border = folded_ ? 0 : (plain_.kernel - 1) / plain_.stride;
  const std::int64_t begin = folded_ ? 0 : std::max<std::int64_t>(0, border - plain_.padding / plain_.stride);
  const auto extent = [&](std::int64_t inner, std::int64_t outer) {
    const std::int64_t last = (outer - 1 + plain_.padding) / plain_.stride;
    return folded_ ? inner : begin + std::max(inner, last + 1);
  };
  inner_ = {plain_.channels_out,
            inner_height_,
            inner_width_,
            begin,
            begin,
            extent(inner_height_, plain_.height_in),
            extent(inner_width_, plain_.width_in)};
  if (folded_) {
    to_outer_ = {single_places()};
  } else {
    for (std::int64_t y = 0; y < plain_.stride; ++y)
      for (std::int64_t x = 0; x < plain_.stride; ++x) add_phase(y, x);
  }
  allocate_scratch();
}

BorderedPlanes ConvolutionProducts::outer_planes() const {
  const Convolution& c = plain_;
  const auto extent = [&](std::int64_t outer, std::int64_t inner) {
    return std::max(c.padding + outer, (inner - 1) * c.stride + c.kernel);
  };
  return {c.channels_in,
          c.height_in,
          c.width_in,
          c.padding,
          c.padding,
          extent(c.height_in, inner_height_),
          extent(c.width_in, inner_width_)};
}

Patches ConvolutionProducts::keep(Table table) {
  tables_.push_back(std::move(table));
  const Table& kept = tables_.back();
  return {static_cast<std::int64_t>(kept.place.size()),
          static_cast<std::int64_t>(kept.tap.size()),
          kept.place.data(),
          kept.tap.data(),
          kept.target.data(),
          kept.weight.data()};
}

/// For each inner place the patch of the outer planes that the kernel sees.
Patches ConvolutionProducts::patches_of_outer() {
  Table t;
  for (std::int64_t y = 0; y < inner_height_; ++y)
    for (std::int64_t x = 0; x < inner_width_; ++x) {
      t.place.push_back(offset((y * outer_.bordered_width + x) * plain_.stride));
      t.target.push_back(offset(y * inner_width_ + x));
    }
  for (std::int64_t channel = 0; channel < plain_.channels_in; ++channel)
    for (std::int64_t ky = 0; ky < plain_.kernel; ++ky)
      for (std::int64_t kx = 0; kx < plain_.kernel; ++kx) {
        t.weight.push_back(offset(static_cast<std::int64_t>(t.tap.size())));
        t.tap.push_back(offset((channel * outer_.bordered_height + ky) * outer_.bordered_width + kx));
      }
  return keep(std::move(t));
}

/// The outer places (y, x) with (y + padding) mod stride and (x + padding) mod stride as given see the same taps of the
/// inner planes.
void ConvolutionProducts::add_phase(std::int64_t row_phase, std::int64_t column_phase) {
  const Convolution& c = plain_;
  Table t;
  const auto first = [&](std::int64_t phase) {
    return phase - c.padding - floor_div(phase - c.padding, c.stride) * c.stride;
  };
  for (std::int64_t y = first(row_phase); y < c.height_in; y += c.stride)
    for (std::int64_t x = first(column_phase); x < c.width_in; x += c.stride) {
      const std::int64_t inner_y = (y + c.padding) / c.stride, inner_x = (x + c.padding) / c.stride;
      t.place.push_back(offset((inner_y + inner_.top) * inner_.bordered_width + inner_x + inner_.left));
      t.target.push_back(offset(y * c.width_in + x));
    }
  for (std::int64_t channel = 0; channel < c.channels_out; ++channel)
    for (std::int64_t ky = row_phase; ky < c.kernel; ky += c.stride)
      for (std::int64_t kx = column_phase; kx < c.kernel; kx += c.stride) {
        t.tap.push_back(
            offset((channel * inner_.bordered_height - ky / c.stride) * inner_.bordered_width - kx / c.stride));
        t.weight.push_back(offset(channel * c.channels_in * kernel_area_ + ky * c.kernel + kx));
      }
  to_outer_.push_back(keep(std::move(t)));
}

/// Each inner place by itself; its taps are the channels.
Patches ConvolutionProducts::single_places() {
  Table t;
  const std::int64_t places = inner_height_ * inner_width_;
  for (std::int64_t i = 0; i < places; ++i) {
    t.place.push_back(offset(i));
    t.target.push_back(offset(i));
  }
  for (std::int64_t channel = 0; channel < plain_.channels_out; ++channel) {
    t.tap.push_back(offset(channel * places));
    t.weight.push_back(offset(channel * plain_.channels_in * kernel_area_));
  }
  return keep(std::move(t));
}

void ConvolutionProducts::allocate_scratch() {
  const std::int64_t taps = to_inner_[0].taps, inner_units = padded(plain_.channels_out);
  const std::int64_t outer_units = padded(folded_ ? taps : plain_.channels_in);
  std::int64_t outer_taps = 0, most_places = 0;
  for (const Patches& phase : to_outer_) {
    outer_taps += phase.taps;
    most_places = std::max(most_places, phase.places);
  }
  tile_stride_ = std::max(to_inner_[0].places * inner_units, most_places * outer_units);
  const std::int64_t packed = std::max(threads_ * inner_units * taps, outer_units * outer_taps);
  const std::int64_t outer = padded(threads_ * outer_.bordered_elements());
  const std::int64_t inner = padded(threads_ * inner_.bordered_elements());
  memory_ = allocate(4 * (2 * outer + inner + padded(packed) + threads_ * tile_stride_), "a convolution");
  bordered_outer_ = static_cast<float*>(memory_->address());  // and as much again for what is folded
  bordered_inner_ = bordered_outer_ + 2 * outer;
  packed_ = bordered_inner_ + inner;
  tile_ = packed_ + padded(packed);
}

ConvolutionLoop ConvolutionProducts::loop(const BorderedPlanes& source, const std::vector<Patches>& patches,
                                          std::int64_t units, std::int64_t unit_stride, float* bordered) const {
  return {rows_,    threads_, source, patches.data(), static_cast<std::int64_t>(patches.size()), units, unit_stride,
          bordered, packed_,  tile_,  tile_stride_};
}

void ConvolutionProducts::forward(const float* input, const float* weight, float* output) const {
  convolution_.transposed ? to_outer(input, weight, output) : to_inner(input, weight, output);
}

void ConvolutionProducts::input_gradient(const float* delta, const float* weight, float* gradient) const {
  convolution_.transposed ? to_inner(delta, weight, gradient) : to_outer(delta, weight, gradient);
}

void ConvolutionProducts::weight_gradient(const float* delta, const float* input, float* gradient) const {
  const float* outer = convolution_.transposed ? delta : input;
  const float* inner = convolution_.transposed ? input : delta;
  if (dense_)
    return gemm(Transpose::yes, Transpose::no, plain_.channels_out, plain_.inputs(), rows_, inner, outer, gradient);
  kernels().convolution_gradient(
      {loop(outer_, to_inner_, plain_.channels_out, plain_.channels_in * kernel_area_, bordered_outer_), outer, inner,
       gradient});
}

void ConvolutionProducts::to_inner(const float* outer, const float* weight, float* inner) const {
  if (dense_)
    return gemm(Transpose::no, Transpose::yes, rows_, plain_.channels_out, plain_.inputs(), outer, weight, inner);
  kernels().convolution_product(
      {loop(outer_, to_inner_, plain_.channels_out, plain_.channels_in * kernel_area_, bordered_outer_), outer, weight,
       inner, inner_height_ * inner_width_});
}

void ConvolutionProducts::to_outer(const float* inner, const float* weight, float* outer) const {
  if (dense_)
    return gemm(Transpose::no, Transpose::no, rows_, plain_.inputs(), plain_.channels_out, inner, weight, outer);
  if (folded_)
    return kernels().convolution_fold({loop(inner_, to_outer_, to_inner_[0].taps, 1, bordered_inner_), inner, weight,
                                       outer, outer_, to_inner_[0],
                                       bordered_outer_ + padded(threads_ * outer_.bordered_elements())});
  kernels().convolution_product({loop(inner_, to_outer_, plain_.channels_in, kernel_area_, bordered_inner_), inner,
                                 weight, outer, plain_.height_in * plain_.width_in});
}

}  // namespace lacuna::cpu
