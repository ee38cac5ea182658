#include "runtime/gemm.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "device/rounding.h"

namespace simt::detail {
namespace {

// A tile of C is accumulated in registers, a block of C in cache, from panels of A and B packed into the order in which
// the tile reads them.
constexpr std::int64_t kTileRows = 8, kTileColumns = 6;
constexpr std::int64_t kBlockRows = 128, kBlockColumns = 192, kBlockDepth = 256;
static_assert(kBlockRows % kTileRows == 0 && kBlockColumns % kTileColumns == 0);

using Vector __attribute__((vector_size(16))) = float;
constexpr std::int64_t kLanes = 4;
constexpr std::int64_t kVectors = kTileRows / kLanes;

float load(const void* data, Element element, std::int64_t index) {
  if (element == Element::f32) return static_cast<const float*>(data)[index];
  return from_bf16(static_cast<const std::uint16_t*>(data)[index]);
}

void store(void* data, Element element, std::int64_t index, float value) {
  if (element == Element::f32) {
    static_cast<float*>(data)[index] = value;
  } else {
    static_cast<std::uint16_t*>(data)[index] = to_bf16(value);
  }
}

float rounded(float value, Rounding rounding) {
  switch (rounding) {
    case Rounding::none:
      return value;
    case Rounding::tf32:
      return round_to_tf32(value);
    case Rounding::bf16:
      return from_bf16(to_bf16(value));
  }
  return value;
}

/// Which elements a panel takes: `width` of them at each of `depth` places along k. Element (i, p) of the panel lies at
/// i * along + p * across from `first`.
struct Panel {
  const Operand* operand;
  std::int64_t first, along, across;
  std::int64_t width, depth;
};

/// Writes the panel in strips of `strip` elements, the last one filled up with zeros.
void pack(const Panel& panel, std::int64_t strip, Rounding rounding, float* out) {
  const Operand& from = *panel.operand;
  const bool plain = from.element == Element::f32 && rounding == Rounding::none;
  const auto* values = static_cast<const float*>(from.data);
  for (std::int64_t i0 = 0; i0 < panel.width; i0 += strip) {
    const std::int64_t here = std::min(strip, panel.width - i0);
    for (std::int64_t i = 0; i < strip; ++i) {
      for (std::int64_t p = 0; p < panel.depth; ++p) {
        const std::int64_t at = panel.first + (i0 + i) * panel.along + p * panel.across;
        float value = 0;
        if (i < here) value = plain ? values[at] : rounded(load(from.data, from.element, at), rounding);
        out[p * strip + i] = value;
      }
    }
    out += strip * panel.depth;
  }
}

/// sums[j][i] += the tile's product over `depth`.
void multiply_tile(const float* a, const float* b, std::int64_t depth, float* sums, std::int64_t ld) {
  Vector acc[kTileColumns][kVectors] = {};
  for (std::int64_t p = 0; p < depth; ++p) {
    Vector rows[kVectors];
    std::memcpy(rows, a + p * kTileRows, sizeof rows);
    for (std::int64_t j = 0; j < kTileColumns; ++j) {
      for (std::int64_t v = 0; v < kVectors; ++v) acc[j][v] += rows[v] * b[p * kTileColumns + j];
    }
  }
  for (std::int64_t j = 0; j < kTileColumns; ++j) {
    for (std::int64_t v = 0; v < kVectors; ++v) {
      for (std::int64_t lane = 0; lane < kLanes; ++lane) sums[j * ld + v * kLanes + lane] += acc[j][v][lane];
    }
  }
}

struct Scratch {
  std::vector<float> a = std::vector<float>(kBlockRows * kBlockDepth);
  std::vector<float> b = std::vector<float>(kBlockColumns * kBlockDepth);
  std::vector<float> sums = std::vector<float>(kBlockRows * kBlockColumns);
};

struct Extent {
  std::int64_t row, rows, column, columns;
};

/// The sums of one block of C over the whole of k.
void sum_block(const Gemm& gemm, const Extent& block, Scratch& scratch) {
  std::fill(scratch.sums.begin(), scratch.sums.end(), 0.0F);
  const std::int64_t a_along = gemm.a.transposed ? gemm.a.ld : 1, a_across = gemm.a.transposed ? 1 : gemm.a.ld;
  const std::int64_t b_along = gemm.b.transposed ? 1 : gemm.b.ld, b_across = gemm.b.transposed ? gemm.b.ld : 1;
  for (std::int64_t p = 0; p < gemm.k; p += kBlockDepth) {
    const std::int64_t depth = std::min(kBlockDepth, gemm.k - p);
    pack({&gemm.a, block.row * a_along + p * a_across, a_along, a_across, block.rows, depth}, kTileRows, gemm.rounding,
         scratch.a.data());
    pack({&gemm.b, block.column * b_along + p * b_across, b_along, b_across, block.columns, depth}, kTileColumns,
         gemm.rounding, scratch.b.data());
    for (std::int64_t j = 0; j < block.columns; j += kTileColumns) {
      for (std::int64_t i = 0; i < block.rows; i += kTileRows) {
        multiply_tile(scratch.a.data() + i * depth, scratch.b.data() + j * depth, depth,
                      scratch.sums.data() + j * kBlockRows + i, kBlockRows);
      }
    }
  }
}

void write_block(const Gemm& gemm, const Extent& block, const float* sums) {
  for (std::int64_t j = 0; j < block.columns; ++j) {
    for (std::int64_t i = 0; i < block.rows; ++i) {
      const std::int64_t at = block.row + i + (block.column + j) * gemm.ldc;
      float value = gemm.alpha == 0 ? 0.0F : gemm.alpha * sums[j * kBlockRows + i];
      if (gemm.beta != 0) value += gemm.beta * load(gemm.c, gemm.c_element, at);
      store(gemm.c, gemm.c_element, at, value);
    }
  }
}

}  // namespace

void multiply(const Gemm& gemm) {
  static Scratch scratch;
  for (std::int64_t column = 0; column < gemm.n; column += kBlockColumns) {
    for (std::int64_t row = 0; row < gemm.m; row += kBlockRows) {
      const Extent block{row, std::min(kBlockRows, gemm.m - row), column, std::min(kBlockColumns, gemm.n - column)};
      if (gemm.alpha != 0) sum_block(gemm, block, scratch);
      write_block(gemm, block, scratch.sums.data());
    }
  }
}

}  // namespace simt::detail
