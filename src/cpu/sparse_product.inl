// Part of kernels.inl's translation units: compiled once for each instruction set.

namespace lacuna::cpu::LACUNA_CPU_TARGET {
namespace {

/// Smaller batches do not earn back the fixed work of turning the weight and its gradient, which AVX-512 has
/// permutations for.
constexpr std::int64_t kFewestSamples = kLanes == 16 ? 48 : 200;

/// out[0 .. Vectors * kLanes) (+)= sum over entries of value * dense[index]. The last vector has `last` values.
template <int Vectors, class Index>
inline __attribute__((always_inline)) void sparse_row(const Index* index, const float* values, std::int64_t count,
                                                      const float* dense, std::int64_t stride, float* out,
                                                      std::int64_t last, bool accumulate) {
  Vector sum[Vectors] = {};
  float* const end = out + (Vectors - 1) * kLanes;
  if (accumulate) {
#pragma GCC unroll 8
    for (int v = 0; v < Vectors - 1; ++v) sum[v] = load(out + v * kLanes);
    sum[Vectors - 1] = load_first(end, last);
  }
  for (std::int64_t e = 0; e < count; ++e) {
    const float* b = dense + static_cast<std::int64_t>(index[e]) * stride;
    const float value = values[e];
#pragma GCC unroll 8
    for (int v = 0; v < Vectors; ++v) sum[v] += value * load(b + v * kLanes);
  }
#pragma GCC unroll 8
  for (int v = 0; v < Vectors - 1; ++v) store(out + v * kLanes, sum[v]);
  store_first(end, sum[Vectors - 1], last);
}

/// Asks for the next tile of a block of units, a line of a row at a time, while the samples go through this one.
class TileAhead {
 public:
  /// The tile of `depth` positions, none if that is 0, at `corner` of a matrix with rows `stride` apart.
  TileAhead(const float* corner, std::int64_t stride, std::int64_t units, std::int64_t depth)
      : row_(corner), stride_(stride), depth_(depth), left_(depth > 0 ? units : 0) {}
  void fetch(std::int64_t rows) {
    for (; rows > 0 && left_ > 0; --rows, --left_, row_ += stride_)
      for (std::int64_t j = 0; j < depth_ + kCacheLine - 1; j += kCacheLine) __builtin_prefetch(row_ + j, 0, 2);
  }

 private:
  const float* row_;
  std::int64_t stride_, depth_, left_;
};

/// Rows [row_begin, row_end) of one block of columns. A tile of the weight is turned once, into L1, and serves all
/// rows.
template <int Vectors>
void sparse_block(const SparseProductArgs& p, std::int64_t row_begin, std::int64_t row_end, std::int64_t column) {
  constexpr int kWidth = Vectors * kLanes;
  const TiledSparse& s = p.sparse;
  const std::int64_t units = smaller(p.columns - column, kWidth), last = units - (Vectors - 1) * kLanes;
  alignas(64) float tile[kTileDepth * kWidth];
  if (units < kWidth)
    for (float& value : tile) value = 0.0f;
  const std::int64_t rows_ahead = (units + row_end - row_begin - 1) / (row_end - row_begin);
  const auto depth_of = [&](std::int64_t t) { return smaller(s.depth - t * s.tile_depth, s.tile_depth); };
  for (std::int64_t t = 0; t < s.tiles; ++t) {
    const float* corner = p.weight + column * s.depth + t * s.tile_depth;
    transpose_part(corner, s.depth, units, depth_of(t), tile, kWidth);
    TileAhead ahead(corner + s.tile_depth, s.depth, units, t + 1 < s.tiles ? depth_of(t + 1) : 0);
    for (std::int64_t r = row_begin; r < row_end; ++r) {
      ahead.fetch(rows_ahead);
      const std::int64_t count = s.count[t * s.rows + r];
      if (count == 0 && t > 0) continue;
      const std::int64_t begin = s.begin[t * s.rows + r];
      sparse_row<Vectors>(s.index + begin, s.values + begin, count, tile, kWidth, p.out + r * p.columns + column, last,
                          t > 0);
    }
  }
}

std::int64_t common_divisor(std::int64_t a, std::int64_t b) {
  return b == 0 ? a : common_divisor(b, a % b);
}

/// Every element is summed by one thread in the order of the depth: the schedule does not change the bits.
void sparse_product(const SparseProductArgs& p) {
  constexpr std::int64_t kRowsAtOnce = 512;
  using Block = void (*)(const SparseProductArgs&, std::int64_t, std::int64_t, std::int64_t);
  constexpr Block kBlocks[kVectors] = {sparse_block<1>, sparse_block<2>, sparse_block<3>, sparse_block<4>,
                                       sparse_block<5>, sparse_block<6>, sparse_block<7>, sparse_block<8>};
  const std::int64_t vectors = (p.columns + kLanes - 1) / kLanes;
  const std::int64_t blocks = (vectors + kVectors - 1) / kVectors;
  // Their part of `out` stays in L2; and as few as give every thread as many items as any other, because each of them
  // turns its block of the weight.
  const std::int64_t parts = p.threads / common_divisor(blocks, p.threads);
  std::int64_t chunk = (p.sparse.rows + parts - 1) / parts;
  chunk = chunk > kRowsAtOnce ? kRowsAtOnce : (chunk < 16 ? 16 : chunk);
  const std::int64_t chunks = (p.sparse.rows + chunk - 1) / chunk;
  share_out(p.threads, blocks * chunks, [&](std::int64_t item) {
    const std::int64_t block = item / chunks, row = item % chunks * chunk;
    const std::int64_t first = vectors * block / blocks, last = vectors * (block + 1) / blocks;
    const std::int64_t row_end = row + chunk < p.sparse.rows ? row + chunk : p.sparse.rows;
    kBlocks[last - first - 1](p, row, row_end, first * kLanes);
  });
}

/// The part of the gradient that belongs to one tile and one block of columns, collected in L1 over all rows.
template <int Vectors>
void gradient_block(const SparseGradientArgs& p, std::int64_t t, std::int64_t column) {
  constexpr int kWidth = Vectors * kLanes;
  const TiledSparse& s = p.sparse;
  alignas(64) float tile[kTileDepth * kWidth];
  const std::int64_t first = t * s.tile_depth;
  const std::int64_t depth = first + s.tile_depth < s.depth ? s.tile_depth : s.depth - first;
  for (std::int64_t i = 0; i < depth * kWidth; ++i) tile[i] = 0.0f;
  for (std::int64_t r = 0; r < s.rows; ++r) {
    const std::int64_t count = s.count[t * s.rows + r];
    if (count == 0) continue;
    const std::int64_t begin = s.begin[t * s.rows + r];
    const std::uint8_t* index = s.index + begin;
    const float* values = s.values + begin;
    Vector delta[Vectors];
#pragma GCC unroll 8
    for (int v = 0; v < Vectors; ++v) delta[v] = load(p.delta + r * p.columns + column + v * kLanes);
    for (std::int64_t e = 0; e < count; ++e) {
      float* sum = tile + index[e] * kWidth;
      const float value = values[e];
#pragma GCC unroll 8
      for (int v = 0; v < Vectors; ++v) {
        const Vector next = load(sum + v * kLanes) + value * delta[v];
        __builtin_memcpy(sum + v * kLanes, &next, sizeof next);
      }
    }
  }
  const std::int64_t valid = p.columns - column < kWidth ? p.columns - column : kWidth;
  transpose_part(tile, kWidth, depth, valid, p.gradient + column * s.depth + first, s.depth);
}

void sparse_gradient(const SparseGradientArgs& p) {
  using Block = void (*)(const SparseGradientArgs&, std::int64_t, std::int64_t);
  constexpr Block kBlocks[kVectors] = {gradient_block<1>, gradient_block<2>, gradient_block<3>, gradient_block<4>,
                                       gradient_block<5>, gradient_block<6>, gradient_block<7>, gradient_block<8>};
  const std::int64_t vectors = (p.columns + kLanes - 1) / kLanes;
  const std::int64_t blocks = (vectors + kVectors - 1) / kVectors;
  share_out(p.threads, p.sparse.tiles * blocks, [&](std::int64_t item) {
    // Tile after tile within a block, whose part of delta then stays in L2.
    const std::int64_t block = item / p.sparse.tiles;
    const std::int64_t begin = vectors * block / blocks, end = vectors * (block + 1) / blocks;
    kBlocks[end - begin - 1](p, item % p.sparse.tiles, begin * kLanes);
  });
}

}  // namespace
}  // namespace lacuna::cpu::LACUNA_CPU_TARGET
