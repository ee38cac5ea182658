// split_gemm.h by the tiles of AMX. Compiled for them: includes nothing whose inline functions could leak out.
//
// Each thread has a rectangle of C for itself and packs what it reads of A and B for itself: what another core has
// written is far away on a processor of many cores, and packing costs little beside six products. A panel of B's
// columns stays in L2 while strips of A's rows pass by. What is needed next is packed between products: vectors are
// turned and cut while tiles multiply.

#include <immintrin.h>
#include <omp.h>

#include "cpu/split_gemm.h"

#define LACUNA_CPU_TARGET amx
#include "cpu/turn.inl"

namespace lacuna::cpu {

namespace {

using amx::turn_16;

constexpr std::int64_t kLines = 16;  // of a tile: rows of A, columns of B
constexpr std::int64_t kDepth = 32;  // of a tile
constexpr std::int64_t kTile = 512;  // values of bfloat16
constexpr std::int64_t kTerms = 3;
constexpr std::int64_t kMostSteps = 16;              // tiles along the depth that are summed before C is touched
constexpr std::int64_t kStrip = 2 * kTerms * kTile;  // one step of two tiles side by side, term after term
constexpr std::int64_t kPanelTiles = 300;            // of three terms: 900 KiB
static_assert(kSplitGemmWorkspace == 2 * kMostSteps * kStrip + kPanelTiles * kTerms * kTile);

std::int64_t smaller(std::int64_t a, std::int64_t b) {
  return a < b ? a : b;
}

std::int64_t quotient_up(std::int64_t a, std::int64_t b) {
  return (a + b - 1) / b;
}

/// The lanes below n.
__mmask16 first(std::int64_t n) {
  return n >= 16 ? __mmask16{0xffff} : n <= 0 ? __mmask16{0} : static_cast<__mmask16>((1u << n) - 1);
}

using Words = std::uint32_t __attribute__((vector_size(64)));

/// Cut off, not rounded: what is left is exact, and the largest numbers do not become infinite.
__m512 cut_to_bf16(__m512 x) {
  return reinterpret_cast<__m512>(reinterpret_cast<Words>(x) & 0xffff0000u);
}

/// One row of a tile in each of its three terms: 16 pairs (x_i, y_i).
inline __attribute__((always_inline)) void store_terms(__m512 x, __m512 y, std::uint16_t* to) {
#pragma GCC unroll 3
  for (int term = 0; term < kTerms; ++term) {
    constexpr int kFirstOrBothOthers = 0xf8;
    const __m512i pairs = _mm512_ternarylogic_epi32(
        reinterpret_cast<__m512i>(reinterpret_cast<Words>(x) >> 16), reinterpret_cast<__m512i>(y),
        _mm512_set1_epi32(static_cast<int>(0xffff0000u)), kFirstOrBothOthers);
    _mm512_store_si512(to + term * 2 * kTile, pairs);
    x = _mm512_sub_ps(x, cut_to_bf16(x));
    y = _mm512_sub_ps(y, cut_to_bf16(y));
  }
}

/// How a line of an operand lies in memory: its values, along the depth, follow one another, or are a stride apart and
/// neighbouring lines follow one another.
enum class Line { along, across };

/// What a row of a tile is: a line, as in A's tiles, or a depth, as in B's.
enum class Row { line, depth };

/// Packs 16 lines of 32 values each into a tile of three terms. Pairs are of values 16 apart in depth, in A's tiles and
/// in B's, so that two blocks of 16 x 16 values are all that is ever turned. Lines and depth that are lacking count as
/// zeros.
template <Line line, Row row>
void pack_tile(const float* from, std::int64_t stride, std::int64_t lines, std::int64_t depth, std::uint16_t* to) {
  constexpr bool along = line == Line::along;
  const __mmask16 there[2] = {first(along ? depth : lines), first(along ? depth - 16 : lines)};
  const auto load = [&](int half, std::int64_t i) {  // what follows one another in memory
    const bool is_there = i < (along ? lines : depth - 16 * half);
    return _mm512_maskz_loadu_ps(is_there ? there[half] : __mmask16{0},
                                 from + (along ? i * stride + 16 * half : (16 * half + i) * stride));
  };
  if constexpr (along == (row == Row::line)) {
    for (std::int64_t i = 0; i < 16; ++i) store_terms(load(0, i), load(1, i), to + i * kDepth);
  } else {
    __m512 halves[2][16];
    for (int half = 0; half < 2; ++half) {
#pragma GCC unroll 16
      for (std::int64_t i = 0; i < 16; ++i) halves[half][i] = load(half, i);
      turn_16(halves[half]);
    }
    for (std::int64_t i = 0; i < 16; ++i) store_terms(halves[0][i], halves[1][i], to + i * kDepth);
  }
}

/// A part of an operand, from one line and one depth on.
struct Operand {
  const float* values;
  std::int64_t stride;
  Line line;
};

Operand part(const Operand& operand, std::int64_t line, std::int64_t depth) {
  const std::int64_t offset =
      operand.line == Line::along ? line * operand.stride + depth : depth * operand.stride + line;
  return {operand.values + offset, operand.stride, operand.line};
}

/// Packs up to two tiles of lines side by side, step after step: to[step][term][tile]. A tile at a time, so that it can
/// be done between products.
class StripPacker {
 public:
  /// Packs nothing.
  StripPacker() = default;
  StripPacker(const Operand& from, Row row, std::int64_t lines, std::int64_t depth, std::uint16_t* to)
      : from_(from), row_(row), lines_(lines), depth_(depth), to_(to) {}

  std::int64_t tiles() const { return quotient_up(lines_, kLines) * quotient_up(depth_, kDepth); }

  void pack_next() {
    const Operand corner = part(from_, line_, at_);
    const std::int64_t lines = lines_ - line_, depth = depth_ - at_;
    std::uint16_t* to = to_ + at_ / kDepth * kStrip + line_ / kLines * kTile;
    if (row_ == Row::line)
      pack<Row::line>(corner, lines, depth, to);
    else
      pack<Row::depth>(corner, lines, depth, to);
    line_ += kLines;
    if (line_ < lines_) return;
    line_ = 0;
    at_ += kDepth;
  }

  void finish() {
    while (at_ < depth_) pack_next();
  }

 private:
  template <Row row>
  static void pack(const Operand& corner, std::int64_t lines, std::int64_t depth, std::uint16_t* to) {
    if (corner.line == Line::along)
      pack_tile<Line::along, row>(corner.values, corner.stride, lines, depth, to);
    else
      pack_tile<Line::across, row>(corner.values, corner.stride, lines, depth, to);
  }

  Operand from_{};
  Row row_ = Row::line;
  std::int64_t lines_ = 0, depth_ = 0;
  std::uint16_t* to_ = nullptr;
  std::int64_t line_ = 0, at_ = 0;  ///< of the next tile
};

/// Spreads the packing of a strip over so many steps of products.
class Meanwhile {
 public:
  Meanwhile(StripPacker& packer, std::int64_t steps) : packer_(packer), tiles_(packer.tiles()), steps_(steps) {}

  void step() {
    for (owed_ += tiles_; owed_ >= steps_; owed_ -= steps_) packer_.pack_next();
  }

 private:
  StripPacker& packer_;
  std::int64_t tiles_, steps_, owed_ = 0;
};

/// A block of C of up to two tiles each way.
struct Block {
  float* c;
  std::int64_t stride, rows, columns;
  bool accumulate;
};

void store_block(const Block& block, const float (&sums)[32 * 32]) {
  const __mmask16 left = first(block.columns), right = first(block.columns - 16);
  float* c = block.c;
  for (std::int64_t i = 0; i < block.rows; ++i, c += block.stride) {
    __m512 x = _mm512_load_ps(sums + i * 32), y = _mm512_load_ps(sums + i * 32 + 16);
    if (block.accumulate) {
      x = _mm512_add_ps(x, _mm512_maskz_loadu_ps(left, c));
      y = _mm512_add_ps(y, _mm512_maskz_loadu_ps(right, c + 16));
    }
    _mm512_mask_storeu_ps(c, left, x);
    _mm512_mask_storeu_ps(c + 16, right, y);
  }
}

// The instructions name their registers: 0 to 3 hold a block of C, 4 and 5 a term of A, 6 and 7 one of B.
#define LACUNA_LOAD_A(term)                 \
  _tile_loadd(4, a + (term)*2 * kTile, 64); \
  if constexpr (kRowTiles == 2) _tile_loadd(5, a + ((term)*2 + 1) * kTile, 64)
#define LACUNA_LOAD_B(term)                 \
  _tile_loadd(6, b + (term)*2 * kTile, 64); \
  if constexpr (kColumnTiles == 2) _tile_loadd(7, b + ((term)*2 + 1) * kTile, 64)
#define LACUNA_MULTIPLY()                                   \
  _tile_dpbf16ps(0, 4, 6);                                  \
  if constexpr (kColumnTiles == 2) _tile_dpbf16ps(1, 4, 7); \
  if constexpr (kRowTiles == 2) _tile_dpbf16ps(2, 5, 6);    \
  if constexpr (kRowTiles == 2 && kColumnTiles == 2) _tile_dpbf16ps(3, 5, 7)

/// Six products of terms a step, in an order that loads few tiles.
template <int kRowTiles, int kColumnTiles>
void multiply(const std::uint16_t* a, const std::uint16_t* b, std::int64_t steps, const Block& block,
              Meanwhile& meanwhile) {
  asm volatile("" ::: "memory");  // the loads do not say that they read what was packed
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
  for (std::int64_t step = 0; step < steps; ++step, a += kStrip, b += kStrip) {
    LACUNA_LOAD_A(2);
    LACUNA_LOAD_B(0);
    LACUNA_MULTIPLY();
    LACUNA_LOAD_A(1);
    LACUNA_MULTIPLY();
    LACUNA_LOAD_B(1);
    LACUNA_MULTIPLY();
    meanwhile.step();
    LACUNA_LOAD_A(0);
    LACUNA_MULTIPLY();
    LACUNA_LOAD_B(2);
    LACUNA_MULTIPLY();
    LACUNA_LOAD_B(0);
    LACUNA_MULTIPLY();
  }
  // What is there is added last, so that its size does not cost the sum its digits.
  const bool whole = !block.accumulate && block.rows == kRowTiles * kLines && block.columns == kColumnTiles * kLines;
  alignas(64) float sums[32 * 32];
  float* to = whole ? block.c : sums;
  const std::int64_t stride = whole ? block.stride : 32, bytes = stride * 4;
  _tile_stored(0, to, bytes);
  if constexpr (kColumnTiles == 2) _tile_stored(1, to + 16, bytes);
  if constexpr (kRowTiles == 2) _tile_stored(2, to + 16 * stride, bytes);
  if constexpr (kRowTiles == 2 && kColumnTiles == 2) _tile_stored(3, to + 16 * stride + 16, bytes);
  if (!whole) store_block(block, sums);
}

void multiply_block(const std::uint16_t* a, const std::uint16_t* b, std::int64_t steps, const Block& block,
                    Meanwhile& meanwhile) {
  const bool two_rows = block.rows > kLines, two_columns = block.columns > kLines;
  const auto chosen = two_rows      ? two_columns ? multiply<2, 2> : multiply<2, 1>
                           : two_columns ? multiply<1, 2>
                                    : multiply<1, 1>;
  chosen(a, b, steps, block, meanwhile);
}

/// `parts` nearly equal parts of so many tiles, and where the part begins.
std::int64_t begin_of(std::int64_t part, std::int64_t parts, std::int64_t tiles) {
  return tiles * part / parts;
}

/// How a product's depth is cut, and how many of B's tiles are packed at a time: whole pairs, as they are stored.
struct Cut {
  std::int64_t steps, depths, panel_tiles;
};

Cut cut(const SplitGemmArgs& p) {
  const std::int64_t steps = quotient_up(p.k, kDepth), depths = quotient_up(steps, kMostSteps);
  return {steps, depths, kPanelTiles / quotient_up(steps, depths) / 2 * 2};
}

struct Rectangle {
  std::int64_t row, row_end, column, column_end;
};

void multiply_rectangle(const SplitGemmArgs& p, const Rectangle& mine, std::uint16_t* workspace) {
  const bool turned_a = p.transpose_a == Transpose::yes, turned_b = p.transpose_b == Transpose::yes;
  const Operand a{p.a, turned_a ? p.m : p.k, turned_a ? Line::across : Line::along};
  const Operand b{p.b, turned_b ? p.k : p.n, turned_b ? Line::along : Line::across};
  const auto [all_steps, depths, panel_tiles] = cut(p);
  const std::int64_t tiles = quotient_up(mine.column_end - mine.column, kLines);
  const std::int64_t panels = quotient_up(tiles, panel_tiles);
  std::uint16_t *strip = workspace, *next_strip = strip + kMostSteps * kStrip,
                *panel = next_strip + kMostSteps * kStrip;
  for (std::int64_t i = 0; i < panels * depths; ++i) {
    const std::int64_t column = mine.column + begin_of(i / depths, panels, tiles) * kLines;
    const std::int64_t column_end =
        smaller(mine.column_end, mine.column + begin_of(i / depths + 1, panels, tiles) * kLines);
    const std::int64_t depth = begin_of(i % depths, depths, all_steps) * kDepth;
    const std::int64_t depth_end = smaller(p.k, begin_of(i % depths + 1, depths, all_steps) * kDepth);
    const std::int64_t steps = quotient_up(depth_end - depth, kDepth);
    const auto packed_columns = [&](std::int64_t j) { return panel + (j - column) / (2 * kLines) * steps * kStrip; };
    const auto columns_from = [&](std::int64_t j) {
      if (j >= column_end) return StripPacker();
      return StripPacker(part(b, j, depth), Row::depth, smaller(2 * kLines, column_end - j), depth_end - depth,
                         packed_columns(j));
    };
    const auto rows_from = [&](std::int64_t r, std::uint16_t* to) {
      if (r >= mine.row_end) return StripPacker();
      return StripPacker(part(a, r, depth), Row::line, smaller(2 * kLines, mine.row_end - r), depth_end - depth, to);
    };
    columns_from(column).finish();
    rows_from(mine.row, strip).finish();
    for (std::int64_t r = mine.row; r < mine.row_end; r += 2 * kLines) {
      // While the first strip passes, the panel's next columns are packed; beside its last columns, and all through
      // the other strips, the strip after it.
      StripPacker rows = rows_from(r + 2 * kLines, next_strip);
      const std::int64_t pairs = r == mine.row ? 1 : quotient_up(column_end - column, 2 * kLines);
      Meanwhile packing_rows(rows, pairs * steps);
      for (std::int64_t j = column; j < column_end; j += 2 * kLines) {
        const bool first_strip = r == mine.row, last = j + 2 * kLines >= column_end;
        StripPacker columns = first_strip ? columns_from(j + 2 * kLines) : StripPacker();
        Meanwhile packing_columns(columns, steps);
        multiply_block(strip, packed_columns(j), steps,
                       {p.c + r * p.n + j, p.n, smaller(2 * kLines, mine.row_end - r),
                        smaller(2 * kLines, column_end - j), p.accumulate || depth > 0},
                       first_strip && !last ? packing_columns : packing_rows);
      }
      std::uint16_t* const done = strip;
      strip = next_strip;
      next_strip = done;
    }
  }
}

/// Threads above one another and beside one another.
struct Grid {
  std::int64_t down, across;
};

/// The grid with the least work for the thread that has most. To pack a tile, of either operand, takes about as long as
/// to multiply four.
Grid choose_grid(const SplitGemmArgs& p) {
  constexpr std::int64_t kPacking = 4;
  const std::int64_t rows = quotient_up(p.m, kLines), columns = quotient_up(p.n, kLines);
  const std::int64_t panel_tiles = cut(p).panel_tiles;
  Grid best{1, p.threads};
  std::int64_t least = -1;
  for (std::int64_t down = 1; down <= p.threads; ++down) {
    if (p.threads % down != 0) continue;
    const std::int64_t r = quotient_up(rows, down), c = quotient_up(columns, p.threads / down);
    const std::int64_t work = r * c + kPacking * (quotient_up(c, panel_tiles) * r + c);
    if (least >= 0 && work >= least) continue;
    least = work;
    best = {down, p.threads / down};
  }
  return best;
}

/// What LDTILECFG reads: eight registers of 16 rows of 64 bytes.
struct alignas(64) TileConfiguration {
  std::uint8_t palette = 1, start_row = 0, reserved[14] = {};
  std::uint16_t bytes_of_row[16] = {64, 64, 64, 64, 64, 64, 64, 64};
  std::uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
};
static_assert(sizeof(TileConfiguration) == 64);

void multiply_share(const SplitGemmArgs& p, const Grid& grid, std::int64_t thread) {
  const std::int64_t rows = quotient_up(p.m, kLines), columns = quotient_up(p.n, kLines);
  const std::int64_t down = thread / grid.across, across = thread % grid.across;
  const Rectangle mine{begin_of(down, grid.down, rows) * kLines,
                       smaller(p.m, begin_of(down + 1, grid.down, rows) * kLines),
                       begin_of(across, grid.across, columns) * kLines,
                       smaller(p.n, begin_of(across + 1, grid.across, columns) * kLines)};
  if (mine.row >= mine.row_end || mine.column >= mine.column_end) return;
  // Static: the instruction is declared to read less than it does, and a compiler may leave out the rest.
  static constexpr TileConfiguration kConfiguration;
  _tile_loadconfig(&kConfiguration);
  multiply_rectangle(p, mine, p.workspace + thread * kSplitGemmWorkspace);
  _tile_release();
}

}  // namespace

void split_gemm(const SplitGemmArgs& p) {
  const Grid grid = choose_grid(p);
  if (p.threads == 1) return multiply_share(p, grid, 0);
#pragma omp parallel num_threads(p.threads)
  // The threads that there are may be fewer than were asked for.
  for (std::int64_t thread = omp_get_thread_num(); thread < p.threads; thread += omp_get_num_threads())
    multiply_share(p, grid, thread);
}

}  // namespace lacuna::cpu
