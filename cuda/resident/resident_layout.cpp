#include "resident/resident_layout.h"

#include <algorithm>

namespace lacuna::cuda {

namespace {

constexpr int round_up(int value, int to) {
  return (value + to - 1) / to * to;
}
constexpr int part_of(int whole, int parts) {
  return (whole + parts - 1) / parts;
}

/// The next number that is `residue` modulo `modulus`.
constexpr int next_of(int value, int residue, int modulus) {
  return round_up(value - residue, modulus) + residue;
}

/// Rows of tiles: all, or a multiple of what a product takes at once.
int whole_tiles(std::int64_t rows, int all, int tile) {
  if (rows >= all) return all;
  return static_cast<int>(rows) / tile * tile;
}

/// Rows begin at 16 bytes. On tensor cores they are also so far apart that what a warp reads at once lies in different
/// banks, for the ways in which tensor_products.cuh reads them.
void find_strides(ResidentLayout& l, const ResidentShape& shape) {
  l.d_stride = round_up(shape.features, 4);
  l.h_stride = round_up(shape.units, 4);
  l.x_stride = round_up(shape.features, 16 / shape.data_bytes);
  l.m_stride = round_up(shape.rows, 4);
  if (shape.precision == Precision::fp32) return;
  const bool bytes = shape.data_bytes == 1;
  l.d_stride = bytes ? next_of(shape.features, 16, 32) : next_of(shape.features, 4, 8);
  l.h_stride = code_bytes(shape.precision) == 2 ? next_of(shape.units, 8, 16) : next_of(shape.units, 4, 8);
  l.x_stride = bytes ? next_of(shape.features, 16, 32) : next_of(shape.features, 4, 8);
  l.m_stride = next_of(shape.rows, 8, 16);
}
int delta2_stride(const ResidentShape& shape, int rows) {
  return shape.precision == Precision::fp32 ? round_up(rows, 4) : next_of(rows, 8, 16);
}

/// Places `floats` at the end of what there is.
int take(ResidentLayout& layout, std::int64_t floats) {
  const auto offset = static_cast<int>(layout.bytes / 4);
  layout.bytes += (floats + 3) / 4 * 16;
  return offset;
}

/// Everything but the two tiles, whose rows take the bytes that are left.
void place_fixed(ResidentLayout& l, const ResidentShape& shape) {
  const int copies = 1 + shape.moments;
  l.w1 = take(l, std::int64_t{copies} * l.units * l.d_stride);
  l.w2 = take(l, std::int64_t{copies} * l.outputs * l.h_stride);
  l.b1 = take(l, std::int64_t{copies} * round_up(l.units, 4));
  l.b2 = take(l, std::int64_t{copies} * round_up(l.outputs, 4));
  l.gradient = take(l, std::max(std::int64_t{l.units} * l.d_stride, std::int64_t{l.outputs} * l.h_stride));
  l.column_gradient = take(l, l.units);
  l.code = take(l, std::int64_t{l.units} * l.m_stride);
  l.delta1 = take(l, std::int64_t{l.units} * l.m_stride);
  l.parts = take(l, std::int64_t{l.segments} * l.units * l.m_stride);
  l.order = take(l, l.m_stride);
  l.scalars = take(l, kStepScalars);
  l.bias_gradient = take(l, std::max(l.units, l.outputs));
  l.unit_values = take(l, std::int64_t{4} * l.units);
}

void place_tiles(ResidentLayout& l, const ResidentShape& shape) {
  l.delta2_stride = delta2_stride(shape, l.h_rows);
  l.delta2 = take(l, std::int64_t{l.outputs} * l.delta2_stride);
  l.x = take(l, std::int64_t{l.x_rows} * l.x_stride * shape.data_bytes / 4);
  l.h = take(l, std::int64_t{l.h_rows} * l.h_stride * code_bytes(shape.precision) / 4);
}

}  // namespace

ResidentLayout resident_layout(const ResidentShape& shape, std::int64_t available) {
  ResidentLayout l;
  l.units = part_of(shape.units, shape.blocks);
  l.outputs = part_of(shape.features, shape.blocks);
  find_strides(l, shape);
  // As many threads as there are add up the products: four samples of a unit each, and a part of the blocks.
  constexpr std::int64_t kMostSegments = 8;
  const std::int64_t tasks = std::int64_t{l.units} * l.m_stride / 4;
  l.segments = static_cast<int>(
      std::clamp<std::int64_t>(kResidentThreads / tasks, 1, std::min<std::int64_t>(kMostSegments, shape.blocks)));
  place_fixed(l, shape);

  const int tile = shape.precision == Precision::fp32 ? kTileRows : 2 * kTileRows;
  const int least = std::min(shape.rows, tile);
  const std::int64_t rounding = 64 + std::int64_t{shape.precision == Precision::fp32 ? 12 : 60} * l.outputs;
  const std::int64_t left = available - l.bytes - rounding;
  const std::int64_t x_row = std::int64_t{l.x_stride} * shape.data_bytes;
  const std::int64_t h_row = std::int64_t{code_bytes(shape.precision)} * l.h_stride + std::int64_t{4} * l.outputs;
  l.x_rows = shape.rows;
  l.h_rows = whole_tiles((left - x_row * shape.rows) / h_row, shape.rows, tile);
  if (l.h_rows < least) l.x_rows = l.h_rows = whole_tiles(left / (x_row + h_row), shape.rows, tile);
  if (l.h_rows < least) l.x_rows = l.h_rows = least;
  place_tiles(l, shape);
  return l;
}

}  // namespace lacuna::cuda
