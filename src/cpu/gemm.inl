// Part of kernels.inl: the matrix product of builds without oneDNN. K. Goto and R. van de Geijn, "Anatomy of
// high-performance matrix multiplication", ACM TOMS 34 (2008): blocks of both operands are first packed into panels
// that lie in memory in the order in which they are read; then each tile of C is summed in registers.
//
// Every element of C is summed by one thread in the order of the depth: the bits depend neither on the schedule nor on
// the number of threads.

namespace lacuna::cpu::LACUNA_CPU_TARGET {
namespace {

/// A tile of C leaves a few of the 16 or, with AVX-512, 32 vector registers for the operands.
constexpr int kTileRows = kLanes == 16 ? 12 : 6;
constexpr int kTileVectors = 2;
constexpr int kTileColumns = kTileVectors * kLanes;

/// What is packed at a time. A panel of B, 16 KiB of this depth for AVX2, stays in L1 while a group of A's strips, 96
/// KiB, passes by from L2.
constexpr std::int64_t kMostRows = 1008, kMostColumns = 1024, kMostDepth = 256;
constexpr std::int64_t kGroup = 16;
static_assert(kMostRows % kTileRows == 0 && kMostColumns % kTileColumns == 0);

std::int64_t smaller(std::int64_t a, std::int64_t b) {
  return a < b ? a : b;
}

std::int64_t quotient_up(std::int64_t a, std::int64_t b) {
  return (a + b - 1) / b;
}

/// Packs `lines` lines (rows of A, columns of B) of `depth` values, kWidth lines a panel:
/// to[line / kWidth][position][line % kWidth], with zeros for the lines that the last panel lacks.
template <int kWidth>
void pack(const float* from, std::int64_t line_stride, std::int64_t depth_stride, std::int64_t lines,
          std::int64_t depth, float* to) {
  const Part mine = share(lines, kWidth);
  for (std::int64_t first = mine.begin; first < mine.end; first += kWidth) {
    const std::int64_t width = smaller(kWidth, lines - first);
    const float* lines_begin = from + first * line_stride;
    float* panel = to + first * depth;
    if (width < kWidth)
      for (std::int64_t i = 0; i < depth * kWidth; ++i) panel[i] = 0.0f;
    if (line_stride == 1 && width == kWidth) {
      for (std::int64_t d = 0; d < depth; ++d)
        __builtin_memcpy(panel + d * kWidth, lines_begin + d * depth_stride, kWidth * sizeof(float));
    } else if (line_stride == 1) {
      for (std::int64_t d = 0; d < depth; ++d)
        for (std::int64_t i = 0; i < width; ++i) panel[d * kWidth + i] = lines_begin[d * depth_stride + i];
    } else {
      for (std::int64_t i = 0; i < width; ++i)
        for (std::int64_t d = 0; d < depth; ++d) panel[d * kWidth + i] = lines_begin[i * line_stride + d];
    }
  }
}

/// C [rows, columns] (+)= A B of one packed block.
struct PackedBlock {
  std::int64_t rows, columns, depth;
  const float* a;
  const float* b;
  float* c;
  std::int64_t c_stride;
  bool accumulate;
};

void multiply_tile(const PackedBlock& p, std::int64_t row, std::int64_t column) {
  const float* a = p.a + row * p.depth;
  const float* b = p.b + column * p.depth;
  Vector sum[kTileRows][kTileVectors] = {};
  for (std::int64_t d = 0; d < p.depth; ++d, a += kTileRows, b += kTileColumns) {
    Vector right[kTileVectors];
#pragma GCC unroll 2
    for (int v = 0; v < kTileVectors; ++v) right[v] = load(b + v * kLanes);
#pragma GCC unroll 12
    for (int i = 0; i < kTileRows; ++i)
#pragma GCC unroll 2
      for (int v = 0; v < kTileVectors; ++v) sum[i][v] += a[i] * right[v];
  }
  const std::int64_t rows = smaller(kTileRows, p.rows - row), columns = smaller(kTileColumns, p.columns - column);
  float* c = p.c + row * p.c_stride + column;
  if (rows == kTileRows && columns == kTileColumns) {
#pragma GCC unroll 12
    for (int i = 0; i < kTileRows; ++i, c += p.c_stride)
#pragma GCC unroll 2
      for (int v = 0; v < kTileVectors; ++v)
        store(c + v * kLanes, p.accumulate ? load(c + v * kLanes) + sum[i][v] : sum[i][v]);
    return;
  }
  float tile[kTileRows * kTileColumns];
#pragma GCC unroll 12
  for (int i = 0; i < kTileRows; ++i)
#pragma GCC unroll 2
    for (int v = 0; v < kTileVectors; ++v) store(tile + i * kTileColumns + v * kLanes, sum[i][v]);
  for (std::int64_t i = 0; i < rows; ++i, c += p.c_stride)
    for (std::int64_t j = 0; j < columns; ++j)
      c[j] = p.accumulate ? c[j] + tile[i * kTileColumns + j] : tile[i * kTileColumns + j];
}

/// This thread's share of the tiles, taken by panels of B and groups of A's strips.
void multiply(const PackedBlock& p) {
  const std::int64_t strips = quotient_up(p.rows, kTileRows), panels = quotient_up(p.columns, kTileColumns);
  // Small products are cut finer, so that every thread gets about the same.
  const std::int64_t even = quotient_up(4 * omp_get_num_threads(), panels), cached = quotient_up(strips, kGroup);
  const std::int64_t groups = smaller(strips, even > cached ? even : cached);
  const Part mine = share(groups * panels, 1);
  for (std::int64_t item = mine.begin; item < mine.end; ++item) {
    const std::int64_t group = item / panels, panel = item % panels;
    for (std::int64_t strip = strips * group / groups; strip < strips * (group + 1) / groups; ++strip)
      multiply_tile(p, strip * kTileRows, panel * kTileColumns);
  }
}

void gemm(const GemmArgs& p) {
  float* packed_a = p.packed;
  float* packed_b = p.packed + kMostRows * kMostDepth;
  on_threads(p.threads, [&] {
    for (std::int64_t j = 0; j < p.n; j += kMostColumns)
      for (std::int64_t d = 0; d == 0 || d < p.k; d += kMostDepth) {
        const std::int64_t columns = smaller(kMostColumns, p.n - j), depth = smaller(kMostDepth, p.k - d);
        pack<kTileColumns>(p.b.values + d * p.b.row_stride + j * p.b.column_stride, p.b.column_stride, p.b.row_stride,
                           columns, depth, packed_b);
        for (std::int64_t i = 0; i < p.m; i += kMostRows) {
          const std::int64_t rows = smaller(kMostRows, p.m - i);
          pack<kTileRows>(p.a.values + i * p.a.row_stride + d * p.a.column_stride, p.a.row_stride, p.a.column_stride,
                          rows, depth, packed_a);
#pragma omp barrier
          multiply({rows, columns, depth, packed_a, packed_b, p.c + i * p.n + j, p.n, p.accumulate || d > 0});
#pragma omp barrier
        }
      }
  });
}

constexpr std::int64_t kGemmWorkspace = (kMostRows + kMostColumns) * kMostDepth;

}  // namespace
}  // namespace lacuna::cpu::LACUNA_CPU_TARGET
