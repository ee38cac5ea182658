#include "cpu/sparse_product.h"

#include <cstddef>
#include <utility>

namespace lacuna::cpu {

std::int64_t lay_out(TiledSparse& matrix, std::int64_t rows, std::int64_t depth, std::int64_t tile_depth,
                     void* memory) {
  matrix.rows = rows;
  matrix.depth = depth;
  matrix.tiles = (depth + tile_depth - 1) / tile_depth;
  // Tiles of nearly equal depth, so that threads that share them out have equal work; whole vectors of the rows.
  constexpr std::int64_t kTogether = 8;
  matrix.tile_depth = (depth + matrix.tiles * kTogether - 1) / (matrix.tiles * kTogether) * kTogether;
  matrix.tiles = (depth + matrix.tile_depth - 1) / matrix.tile_depth;
  const std::int64_t entries = matrix.tiles * rows * matrix.tile_depth;
  auto take = [&, at = std::int64_t{0}](std::int64_t bytes) mutable {
    std::byte* place = memory ? static_cast<std::byte*>(memory) + at : nullptr;
    at += (bytes + 63) / 64 * 64;
    return std::pair<std::byte*, std::int64_t>{place, at};
  };
  matrix.begin = reinterpret_cast<std::int32_t*>(take(matrix.tiles * rows * 4).first);
  matrix.count = reinterpret_cast<std::uint8_t*>(take(matrix.tiles * rows).first);
  matrix.values = reinterpret_cast<float*>(take(entries * 4).first);
  const auto [index, end] = take(entries);
  matrix.index = reinterpret_cast<std::uint8_t*>(index);
  return end;
}

}  // namespace lacuna::cpu
